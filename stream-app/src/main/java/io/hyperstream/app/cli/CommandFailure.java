package io.hyperstream.app.cli;

/** A failure a person can act on: its message is all they see, unless they ask for more. */
final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  private CommandFailure(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** The command could not do its work. */
  static CommandFailure failed(String message) {
    return new CommandFailure(ExitCodes.FAILURE, message, null);
  }

  /** The command could not do its work; {@code --verbose} shows the cause. */
  static CommandFailure failed(String message, Throwable cause) {
    return new CommandFailure(ExitCodes.FAILURE, message, cause);
  }

  /** The command was called in a way that cannot work. */
  static CommandFailure usage(String message) {
    return new CommandFailure(ExitCodes.USAGE, message, null);
  }

  /** Fails unless an option's number is 1 or more. */
  static void requirePositive(String option, long value) {
    if (value < 1) {
      throw usage(option + " must be 1 or more; it is " + value);
    }
  }

  int exitCode() {
    return exitCode;
  }
}
