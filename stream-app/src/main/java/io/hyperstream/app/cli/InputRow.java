package io.hyperstream.app.cli;

import java.util.Map;
import java.util.Optional;

/**
 * One text of an input file.
 *
 * @param where file and line, for messages
 * @param text empty where a label names an earlier request instead
 * @param taskId the row's own task, where the file names one
 */
record InputRow(
    String where,
    String text,
    Optional<String> textPair,
    Optional<String> taskId,
    Optional<String> requestId,
    Optional<String> key,
    Optional<String> label,
    Map<String, String> attributes) {

  static InputRow of(String where, String text) {
    return of(where, text, Optional.empty());
  }

  static InputRow of(String where, String text, Optional<String> textPair) {
    return new InputRow(
        where,
        text,
        textPair,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Map.of());
  }

  /** The row's task, or else the command's. */
  String taskOr(Optional<String> commandTask) {
    return taskId
        .or(() -> commandTask)
        .orElseThrow(
            () ->
                new BadRowException(
                    where + ": the row names no task; give every row a taskId or use --task"));
  }

  /** A row that cannot be used; its message begins with file and line. */
  static final class BadRowException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean endsFile;

    BadRowException(String message) {
      this(message, false);
    }

    private BadRowException(String message, boolean endsFile) {
      super(message);
      this.endsFile = endsFile;
    }

    /** One behind which nothing can be read, either. */
    static BadRowException endingTheFile(String message) {
      return new BadRowException(message, true);
    }

    boolean endsFile() {
      return endsFile;
    }
  }
}
