package io.hyperstream.app.cli;

import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.StoredModel;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = "Print the models in the store.",
    footerHeading = "%nExample:%n",
    footer = "    hyperstream model list --json | jq -r '.[].modelId'")
final class ModelListCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private StoreOptions store;

  @Option(names = "--json", description = "A JSON array.")
  private boolean json;

  ModelListCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    List<StoredModel> models;
    try (ModelStore opened = store.open()) {
      models = opened.list();
    }
    if (json) {
      console.printJson(models.stream().map(ModelRendering::toMap).toList());
      return ExitCodes.OK;
    }
    if (models.isEmpty()) {
      console.note(
          "the store at "
              + store.location
              + " is empty; the starter model is put there when it is first used");
    }
    for (StoredModel model : models) {
      console.print(
          String.format(
              Locale.ROOT,
              "%-32s %s  %8.1f MiB  %3d tasks  %s",
              model.reference(),
              model.modelId(),
              model.sizeInBytes() / 1048576.0,
              model.manifest().tasks().size(),
              Rendering.oneLine(model.manifest().card().notes())));
    }
    return ExitCodes.OK;
  }
}
