package io.hyperstream.app.cli;

import java.util.Locale;

/** How a file of texts is written. */
enum InputFormat {
  /** JSONL and TSV by the file's ending, otherwise lines. */
  AUTO,
  /** One text per line. */
  LINES,
  /** One JSON object per line. */
  JSONL,
  /** Columns separated by tabs, no quoting: {@code text [textPair]}, or named by a header line. */
  TSV;

  /** The format to use for a file of this name; {@code -} is standard input. */
  InputFormat forFile(String name) {
    if (this != AUTO) {
      return this;
    }
    String lower = name.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".jsonl") || lower.endsWith(".ndjson")) {
      return JSONL;
    }
    return lower.endsWith(".tsv") ? TSV : LINES;
  }
}
