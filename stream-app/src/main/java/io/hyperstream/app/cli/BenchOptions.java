package io.hyperstream.app.cli;

import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Machine;
import io.hyperstream.model.bench.OtherLoad;
import io.hyperstream.model.tensor.NativeMemory;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How to measure and how to print it; the same options on every benchmark. */
final class BenchOptions {
  /** Of the processors' time: others may have this much of it while we measure. */
  private static final double MAX_OTHER_LOAD = 0.05;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "7",
      description = "Repetitions. Default: ${DEFAULT-VALUE}.")
  int rounds;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of one operation. Default: one per core.")
  private int threads;

  @Option(
      names = "--max-spread",
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description =
          "A row with a larger spread was not measured cleanly. Default: ${DEFAULT-VALUE}.")
  private double maxSpread;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the rows there too, with machine and versions, as one JSON object.")
  private Path json;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** Checks the options and sets the threads. */
  void apply() {
    if (rounds < 1 || rounds > 10_000) {
      throw CommandFailure.usage("--rounds must be 1 to 10000; it is " + rounds);
    }
    if (!(maxSpread > 0)) {
      throw CommandFailure.usage("--max-spread must be above 0; it is " + maxSpread);
    }
    JsonFile.check(json);
    BenchCommand.threads(threads);
    NativeMemory.keepFreed(); // as the application does
  }

  /**
   * Measures, prints the rows and writes them. An argument that the model does not allow, which
   * only the measurement can tell, is as wrong as any other.
   *
   * @return the exit code: whether the machine was quiet and the repetitions agree
   */
  int run(Console console, Callable<List<BenchRow>> measurement) throws Exception {
    apply();
    OtherLoad load = OtherLoad.watch();
    List<BenchRow> rows;
    try {
      rows = measurement.call();
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    OptionalDouble others = load.share();
    Map<String, Object> machine = Machine.describe();
    machine.forEach((what, value) -> console.print("# " + what + ": " + value));
    console.print("# others: " + described(others));
    rows.forEach(row -> console.print(line(row)));
    List<String> doubts = doubts(rows, others);
    doubts.forEach(doubt -> console.note("not measured cleanly: " + doubt));
    if (json != null) {
      write(machine, rows, others, doubts);
    }
    return doubts.isEmpty() ? ExitCodes.OK : ExitCodes.NOT_CLEAN;
  }

  private List<String> doubts(List<BenchRow> rows, OptionalDouble others) {
    List<String> doubts = new ArrayList<>();
    for (BenchRow row : rows) {
      if (row.spread() > maxSpread) {
        doubts.add(
            String.format(
                Locale.ROOT,
                "%s: its repetitions spread by %.0f %%, at most %.0f %% is allowed",
                name(row, rows),
                100 * row.spread(),
                100 * maxSpread));
      }
    }
    doubt(others).ifPresent(doubts::add);
    return doubts;
  }

  /**
   * What tells a row from the others: its name, the settings they differ in, what it is held to.
   */
  private static String name(BenchRow row, List<BenchRow> rows) {
    StringBuilder name = new StringBuilder(row.bench());
    row.config()
        .forEach(
            (key, value) -> {
              if (rows.stream()
                  .filter(other -> other.bench().equals(row.bench()))
                  .anyMatch(other -> !value.equals(other.config().get(key)))) {
                name.append(' ').append(key).append('=').append(value);
              }
            });
    return row.ratioTo().isEmpty() ? name.toString() : name + ", of " + row.ratioTo();
  }

  /** How much of the processors' time others had, for people. */
  static String described(OptionalDouble others) {
    return others.isEmpty()
        ? "unknown"
        : String.format(Locale.ROOT, "%.0f %% of the processors' time", 100 * others.getAsDouble());
  }

  /** Why that is too much; empty if it is not. */
  static Optional<String> doubt(OptionalDouble others) {
    if (others.orElse(0) <= MAX_OTHER_LOAD) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "others had %s, at most %.0f %% is allowed; stop them",
            described(others),
            100 * MAX_OTHER_LOAD));
  }

  private void write(
      Map<String, Object> machine,
      List<BenchRow> rows,
      OptionalDouble others,
      List<String> doubts) {
    Map<String, Object> run = new LinkedHashMap<>();
    run.put("command", command.qualifiedName());
    run.put("arguments", command.commandLine().getParseResult().originalArgs());
    run.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    run.put("machine", machine);
    run.put("otherLoad", others.isPresent() ? others.getAsDouble() : null);
    run.put("doubts", doubts);
    run.put("rows", rows.stream().map(BenchRow::toMap).toList());
    JsonFile.write(json, run);
  }

  static String line(BenchRow row) {
    String settings =
        row.config().entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(" "));
    String ratio =
        row.ratioTo().isEmpty()
            ? ""
            : String.format(Locale.ROOT, "%.3f of %s", row.ratio(), row.ratioTo());
    if (!Double.isNaN(row.leastRatio())) {
      ratio += String.format(Locale.ROOT, " (%.3f..%.3f)", row.leastRatio(), row.mostRatio());
    }
    boolean tiny = row.value() != 0 && Math.abs(row.value()) < 0.1;
    return String.format(
        Locale.ROOT,
        "%-28s " + (tiny ? "%10.1e" : "%10.1f") + " %-22s ±%3.0f %%  %-42s %s",
        row.bench(),
        row.value(),
        row.unit(),
        100 * row.spread(),
        ratio,
        settings);
  }
}
