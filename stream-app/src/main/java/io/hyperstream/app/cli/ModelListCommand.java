package io.hyperstream.app.cli;

import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = {
      "Print the models in the store.",
      "A line is the name and version, the family, the id, the size, how many tasks it was trained on"
          + " and what its maker notes."
    },
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
              + " is empty; models that ship are put there when they are first used: "
              + ShippedModel.present().stream()
                  .map(ShippedModel::modelName)
                  .collect(Collectors.joining(", ")));
    }
    for (StoredModel model : models) {
      console.print(
          String.format(
              Locale.ROOT,
              "%-32s %-5s %s  %8.1f MiB  %3d tasks  %s",
              model.reference(),
              ModelRendering.family(model),
              model.modelId(),
              model.sizeInBytes() / 1048576.0,
              ModelRendering.tasks(model.manifest()).size(),
              Rendering.oneLine(model.manifest().card().notes())));
    }
    return ExitCodes.OK;
  }
}
