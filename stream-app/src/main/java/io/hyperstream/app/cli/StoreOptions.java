package io.hyperstream.app.cli;

import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where models lie. */
final class StoreOptions {

  @Option(
      names = "--model-dir",
      paramLabel = "DIR",
      defaultValue = "${env:HYPERSTREAM_MODEL_DIR:-${sys:user.home}/.hyperstream/model-store}",
      description =
          "The model store's folder. Environment: HYPERSTREAM_MODEL_DIR. Default:"
              + " ~/.hyperstream/model-store.")
  Path directory;

  ModelStore open() throws IOException {
    return new FileModelStore(directory);
  }

  StoredModel load(String reference) throws IOException {
    return load(directory, reference);
  }

  static StoredModel load(Path directory, String reference) throws IOException {
    ModelStore models = new FileModelStore(directory);
    return reference.equals(StarterModel.NAME)
        ? StarterModel.install(models)
        : models.load(reference);
  }
}
