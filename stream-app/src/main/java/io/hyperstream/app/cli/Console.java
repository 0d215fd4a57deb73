package io.hyperstream.app.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * Where commands write: results to standard output, everything else to standard error, always as
 * UTF-8. Any thread.
 */
final class Console {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final InputStream in;
  private final WatchedOutput watched;
  private final PrintStream out;
  private final PrintStream err;
  private final boolean outTerminal;
  private final boolean errTerminal;
  private final int width;
  private volatile boolean verbose;

  Console(
      InputStream in,
      OutputStream out,
      PrintStream err,
      boolean outTerminal,
      boolean errTerminal,
      int width) {
    this.in = in;
    this.watched = new WatchedOutput(out);
    this.out = new PrintStream(watched, true, StandardCharsets.UTF_8);
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
        new FileOutputStream(FileDescriptor.out),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        outTerminal,
        errTerminal,
        width);
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
      throw new OutputLostException();
    }
  }

  /** Why what was printed has not arrived; empty while all has. */
  Optional<IOException> outputFailure() {
    out.flush();
    return Optional.ofNullable(watched.failure);
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

  /** What was printed has not arrived; {@link #outputFailure} says why. */
  static final class OutputLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** Keeps the first failure, which a {@code PrintStream} hides. */
  private static final class WatchedOutput extends FilterOutputStream {
    private volatile IOException failure;

    WatchedOutput(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        }
        throw e;
      }
    }
  }
}
