package io.hyperstream.app.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Asks before a command takes something away that people made. */
final class Confirmation {
  @Option(
      names = {"-y", "--yes"},
      description = "Do not ask for confirmation, even if something is dropped or set aside.")
  private boolean yes;

  /**
   * Shows what goes, and returns if that is meant.
   *
   * @param losses a line each; none: nothing is asked
   * @throws CommandFailure if it is not meant, or nobody can be asked
   */
  void require(Console console, List<String> losses) throws IOException {
    losses.forEach(console::note);
    if (losses.isEmpty() || yes) {
      return;
    }
    if (!canAsk(console)) {
      throw CommandFailure.failed(
          "nothing was sent: data would be lost, and there is no terminal to ask at;"
              + " --yes confirms it");
    }
    console.err().print("Go on? [y/N] ");
    console.err().flush();
    String answer =
        new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8)).readLine();
    if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
      throw CommandFailure.failed("nothing was sent");
    }
  }

  private static boolean canAsk(Console console) {
    return console.errIsTerminal()
        && (console.in() != System.in || Terminal.isTerminal(0, System.getenv()));
  }
}
