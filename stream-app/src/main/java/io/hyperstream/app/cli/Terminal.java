package io.hyperstream.app.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What can be known about the terminal without native code. */
final class Terminal {
  private static final int DEFAULT_WIDTH = 100;
  private static final int MIN_WIDTH = 60;
  private static final int MAX_WIDTH = 200;

  private Terminal() {}

  /**
   * Whether a descriptor (1 standard output, 2 standard error) is a terminal that understands
   * cursor movements. A {@code java.io.Console} answers for input and output together and, from JDK
   * 22 on, even in a pipe; so ask the system first.
   */
  static boolean isTerminal(int descriptor, Map<String, String> environment) {
    String term = environment.get("TERM");
    if (term == null || term.equals("dumb")) {
      return false;
    }
    Path link = Path.of("/proc/self/fd/" + descriptor);
    try {
      if (Files.isSymbolicLink(link)) {
        String target = Files.readSymbolicLink(link).toString();
        return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
      }
    } catch (IOException | SecurityException e) {
      return false;
    }
    return consoleIsTerminal();
  }

  /** Columns of the terminal, within sensible limits. */
  static int width(Map<String, String> environment) {
    String columns = environment.get("COLUMNS");
    if (columns != null && columns.matches("\\d{1,5}")) {
      return clamp(Integer.parseInt(columns));
    }
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectErrorStream(true)
              .start();
      if (!stty.waitFor(1, TimeUnit.SECONDS)) {
        stty.destroyForcibly();
        return DEFAULT_WIDTH;
      }
      String[] size =
          new String(stty.getInputStream().readNBytes(64), StandardCharsets.US_ASCII)
              .strip()
              .split(" ", -1);
      return size.length == 2 ? clamp(Integer.parseInt(size[1])) : DEFAULT_WIDTH;
    } catch (IOException | NumberFormatException e) {
      return DEFAULT_WIDTH;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return DEFAULT_WIDTH;
    }
  }

  private static int clamp(int columns) {
    return Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, columns));
  }

  // Null only before JDK 22; after it, isTerminal answers.
  @SuppressWarnings("SystemConsoleNull")
  private static boolean consoleIsTerminal() {
    java.io.Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) java.io.Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException beforeJdk22) {
      return true;
    }
  }
}
