package io.hyperstream.app.cli;

import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.ModelStores;
import io.hyperstream.model.store.S3Options;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import picocli.CommandLine.Option;

/** Where models lie. */
final class StoreOptions {

  @Option(
      names = "--model-dir",
      paramLabel = "DIR|URL",
      defaultValue = "${env:HYPERSTREAM_MODEL_DIR:-${sys:user.home}/.hyperstream/model-store}",
      description =
          "The model store: a folder, or s3://BUCKET/PREFIX. Environment: HYPERSTREAM_MODEL_DIR (and"
              + " HYPERSTREAM_MODEL_S3_ENDPOINT and the like, or AWS's own). Default:"
              + " ~/.hyperstream/model-store.")
  String location;

  ModelStore open() throws IOException {
    return ModelStores.open(location, S3Options.from(System.getenv()));
  }

  StoredModel load(String reference) throws IOException {
    return ShippedModel.load(open(), reference); // in use while this process lives
  }
}
