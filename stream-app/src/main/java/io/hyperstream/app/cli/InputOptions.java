package io.hyperstream.app.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** How a file of texts is read; the same options on every command that takes one. */
final class InputOptions {
  @Option(
      names = "--format",
      defaultValue = "AUTO",
      description =
          "${COMPLETION-CANDIDATES}; AUTO goes by the file's ending, and takes lines (of labels:"
              + " TSV) where that says nothing. Default: AUTO.")
  private InputFormat format;

  @Option(
      names = "--column",
      paramLabel = "FIELD=NAME",
      description =
          "The column, or JSON field, that holds a field (text, textPair, label, taskId, requestId,"
              + " key), such as text=review; repeatable. Those not named are left out then.")
  private Map<String, String> columns = new LinkedHashMap<>();

  InputFormat format() {
    return format;
  }

  /** Opens a file of texts; {@code -} is standard input. */
  InputReader texts(Console console, String file) throws IOException {
    return open(console, file, false);
  }

  /** Opens a file of texts with labels; {@code -} is standard input. */
  InputReader labels(Console console, String file) throws IOException {
    return open(console, file, true);
  }

  private InputReader open(Console console, String file, boolean labelled) throws IOException {
    InputStream in = open(console, file);
    try {
      return labelled
          ? InputReader.ofLabels(file, in, format, columns)
          : InputReader.of(file, in, format, columns);
    } catch (RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /** Opens any file; {@code -} is standard input. */
  static InputStream open(Console console, String file) throws IOException {
    if (file.equals("-")) {
      return console.in();
    }
    Path path = Path.of(file);
    if (Files.isDirectory(path)) {
      throw CommandFailure.usage(file + " is a directory; name a file");
    }
    return Files.newInputStream(path);
  }
}
