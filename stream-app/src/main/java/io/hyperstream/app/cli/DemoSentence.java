package io.hyperstream.app.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A sentence of the demo with the label a person gave it.
 *
 * @param label one of the labels of its task
 */
record DemoSentence(String taskId, String text, Optional<String> textPair, String label) {
  static final String SENTENCES = "demo/sentences.tsv";
  static final String TASKS = "demo/tasks.yaml";

  /** All sentences of the first part, in the file's order: task by task. */
  static List<DemoSentence> all() {
    return read(SENTENCES);
  }

  /** The sentences of a resource, in its order. */
  static List<DemoSentence> read(String resource) {
    List<DemoSentence> sentences = new ArrayList<>();
    try (InputStream in = DemoSentence.class.getResourceAsStream(resource);
        LineReader lines = new LineReader(resource, in)) {
      lines.next();
      for (String line = lines.next(); line != null; line = lines.next()) {
        String[] cells = line.split("\t", -1);
        if (cells.length != 4) {
          throw new IllegalStateException(lines.where() + " has " + cells.length + " columns");
        }
        Optional<String> pair = cells[2].isEmpty() ? Optional.empty() : Optional.of(cells[2]);
        sentences.add(new DemoSentence(cells[0], cells[1], pair, cells[3]));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return sentences;
  }
}
