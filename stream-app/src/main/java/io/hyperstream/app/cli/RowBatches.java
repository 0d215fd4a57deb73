package io.hyperstream.app.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A file of texts, some rows at a time, with a progress bar. */
final class RowBatches {
  private static final int ROWS = 32;

  private RowBatches() {}

  /**
   * @param doing what the progress bar says
   * @param each called with every batch, the last one too
   */
  static void read(Console console, InputReader reader, String doing, Consumer<List<InputRow>> each)
      throws IOException {
    try (ProgressBar progress = new ProgressBar(console, doing, ProgressBar.Unit.ROWS, -1)) {
      List<InputRow> rows = new ArrayList<>();
      Optional<InputRow> row;
      do {
        row = next(reader);
        row.ifPresent(rows::add);
        if (rows.size() == ROWS || (row.isEmpty() && !rows.isEmpty())) {
          progress.clear();
          each.accept(rows);
          progress.advance(rows.size());
          rows = new ArrayList<>();
        }
      } while (row.isPresent());
    }
  }

  private static Optional<InputRow> next(InputReader reader) throws IOException {
    try {
      return reader.next();
    } catch (InputRow.BadRowException e) {
      throw CommandFailure.failed(e.getMessage());
    }
  }
}
