package io.hyperstream.app.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Where commands write: results to standard output, everything else to standard error, always as
 * UTF-8. Any thread.
 */
final class Console {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;
  private final boolean outTerminal;
  private final boolean errTerminal;
  private final int width;
  private volatile boolean verbose;

  Console(
      InputStream in,
      PrintStream out,
      PrintStream err,
      boolean outTerminal,
      boolean errTerminal,
      int width) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.outTerminal = outTerminal;
    this.errTerminal = errTerminal;
    this.width = width;
  }

  /** The console of this process. */
  static Console ofProcess() {
    Map<String, String> environment = System.getenv();
    boolean outTerminal = Terminal.isTerminal(1, environment);
    boolean errTerminal = Terminal.isTerminal(2, environment);
    int width = outTerminal || errTerminal ? Terminal.width(environment) : 120;
    return new Console(
        System.in,
        utf8(FileDescriptor.out),
        utf8(FileDescriptor.err),
        outTerminal,
        errTerminal,
        width);
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  InputStream in() {
    return in;
  }

  PrintStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  boolean outIsTerminal() {
    return outTerminal;
  }

  boolean errIsTerminal() {
    return errTerminal;
  }

  int width() {
    return width;
  }

  boolean verbose() {
    return verbose;
  }

  void verbose(boolean on) {
    verbose = on;
  }

  /** A line of the result. */
  void print(String line) {
    out.println(line);
    if (out.checkError()) {
      throw new OutputClosedException();
    }
  }

  /** One JSON value of the result, on one line. */
  void printJson(Object value) {
    print(toJson(value));
  }

  /** A line for the person watching. */
  void note(String line) {
    err.println(line);
  }

  static String toJson(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not representable as JSON: " + value.getClass(), e);
    }
  }

  /** The reader of our output has gone, as {@code head} does: nothing is left to be done. */
  static final class OutputClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }
}
