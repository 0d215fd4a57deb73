package io.hyperstream.app.cli;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One text, or a file of them; the same options on every command that asks the model itself. */
final class TextSource {
  @ArgGroup private Which which = new Which();

  private static final class Which {
    @Option(names = "--text", required = true, description = "The text itself.")
    private String text;

    @Parameters(
        index = "0",
        arity = "0..1",
        paramLabel = "FILE",
        description = "A file; - or nothing for standard input.")
    private String file;
  }

  @Mixin private InputOptions input;

  /** The text of {@code --text}; null if there is a file instead. */
  String text() {
    return which.text;
  }

  /**
   * The rows, some at a time.
   *
   * @param pair what stands beside {@link #text}
   * @param doing what the progress bar of a file says
   */
  void read(Console console, Optional<String> pair, String doing, Consumer<List<InputRow>> each)
      throws IOException {
    if (which.text != null) {
      each.accept(List.of(InputRow.of("--text", which.text, pair)));
    } else {
      try (InputReader rows = input.texts(console, which.file == null ? "-" : which.file)) {
        RowBatches.read(console, rows, doing, each);
      }
    }
  }
}
