package io.hyperstream.app.streams;

import java.util.Optional;

/**
 * Which failures end the process, so that whoever supervises it starts a new one: those after which
 * this virtual machine can only fail again. Nothing is lost by it; what was not committed is read
 * again. A stack that overflows is none of them: it is free again at once, and the record is at
 * fault.
 */
public final class FatalErrors {
  /** Others may free memory meanwhile; what is short of it as often as this does not get it. */
  public static final int MEMORY_ATTEMPTS = 5;

  private FatalErrors() {}

  /**
   * Why the process must end.
   *
   * @param failure is looked at with its causes
   * @param attempt which attempt at the same failed, from 1
   * @return empty if it may be tried again, or is an ordinary failure
   */
  public static Optional<IllegalStateException> in(Throwable failure, int attempt) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof LinkageError) {
        return fatal(
            "this installation is incomplete or has a part of another version ("
                + cause.getMessage()
                + "); install it again, or use the image",
            cause);
      }
      if (cause instanceof OutOfMemoryError) {
        return attempt < MEMORY_ATTEMPTS
            ? Optional.empty()
            : fatal(
                "the process is out of memory ("
                    + cause.getMessage()
                    + "); give it more (JAVA_TOOL_OPTIONS=-Xmx...), or lower"
                    + " hyperstream.engine.window-bytes",
                cause);
      }
      if (cause instanceof VirtualMachineError && !(cause instanceof StackOverflowError)) {
        return fatal("the Java virtual machine failed (" + cause.getMessage() + ")", cause);
      }
    }
    return Optional.empty();
  }

  private static Optional<IllegalStateException> fatal(String message, Throwable cause) {
    return Optional.of(new IllegalStateException(message, cause));
  }
}
