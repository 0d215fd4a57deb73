package io.hyperstream.app.cli;

/** What the process's exit status means; the root command's help documents them. */
final class ExitCodes {
  static final int OK = 0;
  static final int FAILURE = 1;
  static final int USAGE = 2;
  static final int VERIFICATION_FAILED = 3;
  static final int NOT_PROMOTED = 4;
  static final int NOT_CLEAN = 5;
  static final int INTERRUPTED = 130;

  private ExitCodes() {}
}
