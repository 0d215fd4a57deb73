package io.hyperstream.app.cli;

import io.hyperstream.model.bench.BenchSource;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A real model to measure instead of a shape with random weights. */
final class BenchModelOptions {
  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "Measure this model instead of --config: NAME, NAME@VERSION or an id of the store, or the"
              + " folder of one version.")
  private String model;

  @Mixin StoreOptions store;

  BenchSource source(BenchBatchOptions batch) throws IOException {
    return model == null ? BenchSource.of(batch.shape()) : BenchSource.of(stored(model));
  }

  /** The model, or the default one of the application if none is named. */
  StoredModel stored() throws IOException {
    return stored(model == null ? ShippedModel.DEFAULT : model);
  }

  private StoredModel stored(String reference) throws IOException {
    Path folder = Path.of(reference);
    if (Files.exists(folder.resolve(Manifest.FILE))) {
      String name = folder.toAbsolutePath().normalize().getFileName().toString();
      return new StoredModel(name, 1, folder, Manifest.read(folder));
    }
    return store.load(reference);
  }
}
