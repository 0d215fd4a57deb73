package io.hyperstream.app.cli;

import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model, out of which store; the same options on every command that needs one. */
final class ModelChoice {

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = "${env:HYPERSTREAM_MODEL_NAME:-" + ShippedModel.DEFAULT + "}",
      description =
          "NAME, NAME@VERSION or the id of a model in the store. Environment:"
              + " HYPERSTREAM_MODEL_NAME. Default: ${DEFAULT-VALUE}, which ships with Hyperstream.")
  String model;

  @Mixin StoreOptions store;

  /** The model, checksums verified; one that ships is put into the store when asked for. */
  StoredModel load() throws IOException {
    return store.load(model);
  }
}
