package io.hyperstream.app.cli;

import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.store.StoredModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = "Show what a model is made of: files, tasks, parameters.",
    footerHeading = "%nExamples:%n",
    footer = {"    hyperstream model inspect", "    hyperstream model inspect tickets@2 --json"})
final class ModelInspectCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private StoreOptions store;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      defaultValue = "starter-t5-mini",
      description = "NAME, NAME@VERSION or an id. Default: the starter model.")
  private String reference;

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  ModelInspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    StoredModel model = store.load(reference);
    List<SourceTask> tasks = model.sourceTasks();
    if (json) {
      printJson(model, tasks);
    } else {
      print(model, tasks);
    }
    return ExitCodes.OK;
  }

  private void print(StoredModel model, List<SourceTask> tasks) {
    Manifest manifest = model.manifest();
    console.print(model.reference() + "  " + manifest.card().notes());
    console.print("  modelId    " + model.modelId());
    console.print("  directory  " + model.directory());
    console.print("  licence    " + manifest.card().licence());
    console.print("  source     " + manifest.card().source());
    console.print(
        "  tokens     at most "
            + manifest.card().maxSourceTokens()
            + " in, "
            + manifest.card().maxTargetTokens()
            + " out");
    for (Manifest.FileEntry file : manifest.files()) {
      console.print(
          String.format(
              Locale.ROOT,
              "  file       %-44s %12d bytes  %s",
              file.path(),
              file.size(),
              file.sha256().substring(0, 12)));
    }
    for (SourceTask task : tasks) {
      console.print(
          String.format(
              Locale.ROOT,
              "  task       %-28s %3d labels  %s",
              task.definition().taskId(),
              task.definition().labels().size(),
              task.testAccuracy().isPresent()
                  ? String.format(
                      Locale.ROOT, "test accuracy %.3f", task.testAccuracy().getAsDouble())
                  : ""));
    }
  }

  private void printJson(StoredModel model, List<SourceTask> tasks) {
    Map<String, Object> map = ModelRendering.toMap(model);
    List<Map<String, Object>> files = new ArrayList<>();
    for (Manifest.FileEntry file : model.manifest().files()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("path", file.path());
      entry.put("bytes", file.size());
      entry.put("sha256", file.sha256());
      files.add(entry);
    }
    map.put("files", files);
    List<Map<String, Object>> cards = new ArrayList<>();
    for (SourceTask task : tasks) {
      Map<String, Object> entry = Rendering.toMap(Definitions.toRecord(task.definition()));
      if (task.testAccuracy().isPresent()) {
        entry.put("testAccuracy", task.testAccuracy().getAsDouble());
      }
      entry.put("testExamples", task.testExamples());
      entry.put("licence", task.licence());
      entry.put("source", task.source());
      cards.add(entry);
    }
    map.put("sourceTasks", cards);
    console.printJson(map);
  }
}
