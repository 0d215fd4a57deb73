package io.hyperstream.app.cli;

import java.util.Locale;
import java.util.Set;

/** How a file of texts is written. */
enum InputFormat {
  /** By the file's ending; otherwise lines. */
  AUTO,
  /** One text per line. */
  LINES,
  /** One JSON object per line. */
  JSONL,
  /** Columns separated by tabs, no quoting: {@code text [textPair]}, or named by a header line. */
  TSV,
  /** Columns separated by commas as in RFC 4180, named by a header line. */
  CSV;

  /** Endings of files whose lines are no texts, even where they can be read as such. */
  private static final Set<String> NOT_TEXTS =
      Set.of(
          "xml", "html", "htm", "yaml", "yml", "rtf", "pdf", "doc", "docx", "odt", "xls", "xlsx",
          "ods", "numbers", "parquet", "avro", "arrow", "orc", "pkl", "npy", "db", "sqlite", "gz",
          "bz2", "xz", "zst", "zip", "7z", "tar", "tgz");

  /**
   * The format to use for a file of this name; {@code -} is standard input.
   *
   * @throws CommandFailure if its ending says that it holds something else
   */
  InputFormat forFile(String name) {
    if (this != AUTO) {
      return this;
    }
    String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    return switch (ending) {
      case "jsonl", "ndjson", "json" -> JSONL;
      case "tsv", "tab" -> TSV;
      case "csv" -> CSV;
      default -> {
        if (NOT_TEXTS.contains(ending)) {
          throw CommandFailure.failed(
              name
                  + ": a file of texts was expected, and ."
                  + ending
                  + " is none; save it as CSV in UTF-8 with a column 'text', or name its --format");
        }
        yield LINES;
      }
    };
  }
}
