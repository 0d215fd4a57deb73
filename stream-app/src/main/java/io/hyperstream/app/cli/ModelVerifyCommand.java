package io.hyperstream.app.cli;

import io.hyperstream.model.evaluation.ParityCheck;
import io.hyperstream.model.evaluation.ParityReport;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description = {
      "Check a stored model's files against their checksums, or",
      "with --fixtures, this build's arithmetic against numbers of the published implementation:"
          + " |difference| <= 2e-5 * max(1, |reference|), generated tokens equal."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream model verify",
      "    hyperstream model verify --fixtures model-store/src/test/resources/fixtures --json",
      "",
      "Exits with 3 if anything does not match."
    })
final class ModelVerifyCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private StoreOptions store;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      description = "NAME, NAME@VERSION or an id. Default: " + ShippedModel.DEFAULT + ".")
  private String reference;

  @Option(
      names = "--fixtures",
      paramLabel = "DIR",
      description = "Folder with NAME.json, NAME.weights.safetensors, NAME.expected.safetensors.")
  private Path fixtures;

  @Option(names = "--json", description = "The report as JSON.")
  private boolean json;

  ModelVerifyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (fixtures != null && reference != null) {
      throw CommandFailure.usage("name a model or --fixtures, not both");
    }
    return fixtures == null ? verifyFiles() : verifyParity();
  }

  private int verifyFiles() throws IOException {
    String name = reference == null ? ShippedModel.DEFAULT : reference;
    Map<String, Object> report = new LinkedHashMap<>();
    int status = ExitCodes.OK;
    try {
      StoredModel model = store.load(name);
      report.put("pass", true);
      report.put("model", model.reference());
      report.put("modelId", model.modelId());
      report.put("files", model.manifest().files().size());
    } catch (java.nio.file.NoSuchFileException e) {
      throw e;
    } catch (IOException e) {
      status = ExitCodes.VERIFICATION_FAILED;
      report.put("pass", false);
      report.put("model", name);
      report.put("reason", e.getMessage());
    }
    if (json) {
      console.printJson(report);
    } else if (status == ExitCodes.OK) {
      console.print(
          report.get("model") + ": " + report.get("files") + " files match their checksums");
    } else {
      console.note(name + ": " + report.get("reason"));
    }
    return status;
  }

  private int verifyParity() throws IOException {
    if (!Files.isDirectory(fixtures)) {
      throw CommandFailure.usage("--fixtures: no such folder: " + fixtures);
    }
    ParityReport report = ParityCheck.run(fixtures);
    if (json) {
      console.print(report.toJson());
    } else {
      for (ParityReport.Fixture fixture : report.fixtures()) {
        print(fixture);
      }
      console.print(
          report.checks()
              + " checks on "
              + report.fixtures().size()
              + " fixtures: "
              + (report.pass() ? "all passed" : "NOT PASSED"));
    }
    return report.pass() ? ExitCodes.OK : ExitCodes.VERIFICATION_FAILED;
  }

  private void print(ParityReport.Fixture fixture) {
    double worst =
        fixture.checks().stream().mapToDouble(ParityReport.Check::maxAbsDiff).max().orElse(0);
    console.print(
        String.format(
            Locale.ROOT,
            "%s %-28s %3d checks, largest difference %.2e",
            fixture.pass() ? "✓" : "✗",
            fixture.name(),
            fixture.checks().size(),
            worst));
    for (ParityReport.Check check : fixture.checks()) {
      if (!check.pass()) {
        console.print(
            String.format(Locale.ROOT, "    ✗ %s  %.3e", check.check(), check.maxAbsDiff()));
      }
    }
  }
}
