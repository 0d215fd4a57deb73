package io.hyperstream.app.cli;

import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.evaluation.ParameterCount;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.ModelInspection;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5Config;
import java.io.IOException;
import java.nio.file.Path;
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
    footer = {
      "    hyperstream model inspect",
      "    hyperstream model inspect tickets@2 --json",
      "  What a configuration would cost, before there are weights:",
      "    hyperstream model inspect --t5-config t5-base/config.json \\",
      "      --adapter-config adapter_config.json --tasks 8"
    })
final class ModelInspectCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private StoreOptions store;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      defaultValue = ShippedModel.DEFAULT,
      description = "NAME, NAME@VERSION or an id. Default: ${DEFAULT-VALUE}.")
  private String reference;

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  @Option(
      names = "--t5-config",
      paramLabel = "FILE",
      description = "Count the parameters of this config.json instead of a model's.")
  private Path t5Config;

  @Option(
      names = "--adapter-config",
      paramLabel = "FILE",
      description = "With --t5-config: the adapters' configuration.")
  private Path adapterConfig;

  @Option(
      names = "--tasks",
      paramLabel = "N",
      defaultValue = "1",
      description = "With --adapter-config: for this many tasks. Default: 1.")
  private int tasks;

  ModelInspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (t5Config != null) {
      planned();
      return ExitCodes.OK;
    }
    if (adapterConfig != null) {
      throw CommandFailure.usage("--adapter-config goes with --t5-config");
    }
    StoredModel model = store.load(reference);
    if (json) {
      printJson(model, model.sourceTasks());
    } else {
      print(model, model.sourceTasks());
    }
    return ExitCodes.OK;
  }

  private void planned() throws IOException {
    T5Config t5 = T5Config.read(t5Config);
    ParameterCount count =
        adapterConfig == null
            ? ParameterCount.of(t5)
            : ParameterCount.of(t5, AdapterConfig.read(adapterConfig), tasks);
    if (json) {
      console.printJson(ParameterRendering.toMap(count));
    } else {
      ParameterRendering.lines(count).forEach(console::print);
    }
  }

  private void print(StoredModel model, List<SourceTask> sourceTasks) throws IOException {
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
    ModelInspection inspection = ModelInspection.of(model);
    console.print("  family     " + inspection.family() + " " + inspection.details());
    ParameterRendering.lines(inspection.parameters()).forEach(console::print);
    console.print(
        String.format(
            Locale.ROOT,
            "  memory     %,d bytes per task known, %,d more while it is served",
            inspection.bytesPerColdTask(),
            inspection.bytesPerResidentTask()));
    for (SourceTask task : sourceTasks) {
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

  private void printJson(StoredModel model, List<SourceTask> sourceTasks) throws IOException {
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
    ModelInspection inspection = ModelInspection.of(model);
    map.put("family", inspection.family());
    map.put("backbone", inspection.details());
    map.put("parameters", ParameterRendering.toMap(inspection.parameters()));
    map.put("bytesPerColdTask", inspection.bytesPerColdTask());
    map.put("bytesPerResidentTask", inspection.bytesPerResidentTask());
    List<Map<String, Object>> cards = new ArrayList<>();
    for (SourceTask task : sourceTasks) {
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
