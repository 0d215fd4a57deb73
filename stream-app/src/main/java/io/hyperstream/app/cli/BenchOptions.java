package io.hyperstream.app.cli;

import io.hyperstream.model.bench.BenchRow;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** How to measure and how to print it; the same options on every benchmark. */
final class BenchOptions {
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

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  /** Checks the options and sets the threads. */
  void apply() {
    if (rounds < 1 || rounds > 10_000) {
      throw CommandFailure.usage("--rounds must be 1 to 10000; it is " + rounds);
    }
    BenchCommand.threads(threads);
  }

  /** One JSON object per line, or a table. */
  void print(Console console, List<BenchRow> rows) {
    for (BenchRow row : rows) {
      if (json) {
        console.printJson(row.toMap());
      } else {
        console.print(line(row));
      }
    }
  }

  private static String line(BenchRow row) {
    String settings =
        row.config().entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(" "));
    String ratio =
        row.ratioTo().isEmpty()
            ? ""
            : String.format(Locale.ROOT, "%.3f of %s", row.ratio(), row.ratioTo());
    return String.format(
        Locale.ROOT,
        "%-16s %12.1f %-16s ±%3.0f %%  %-22s %s",
        row.bench(),
        row.value(),
        row.unit(),
        100 * row.spread(),
        ratio,
        settings);
  }
}
