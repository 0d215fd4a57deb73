package io.hyperstream.app.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads UTF-8 lines one at a time, in bounded memory whatever the input is. Line feeds end a line,
 * a carriage return before them and a byte order mark at the beginning are dropped. One thread.
 */
final class LineReader implements AutoCloseable {
  static final int MAX_LINE_BYTES = 1 << 20;

  /** What is wrong with a NUL byte in a text. */
  static final String NUL =
      "not text: it holds a NUL byte. A file in UTF-16 is converted with `iconv -f UTF-16 -t"
          + " UTF-8`, a spreadsheet is saved as CSV in UTF-8";

  private final String name;
  private final InputStream in;
  private final int maxBytes;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
  private long number;

  LineReader(String name, InputStream in) {
    this(name, in, MAX_LINE_BYTES);
  }

  LineReader(String name, InputStream in, int maxBytes) {
    this.name = name;
    this.in = in instanceof BufferedInputStream ? in : new BufferedInputStream(in, 1 << 16);
    this.maxBytes = maxBytes;
  }

  /** The next line without its end; null after the last one. */
  String next() throws IOException {
    line.reset();
    int read = in.read();
    if (read < 0) {
      return null;
    }
    number++;
    for (; read >= 0 && read != '\n'; read = in.read()) {
      if (line.size() == maxBytes) {
        skipLine();
        throw bad("the line is longer than " + maxBytes + " bytes; split it or leave it out");
      }
      if (read == 0) {
        skipLine();
        throw bad(NUL);
      }
      line.write(read);
    }
    return decode();
  }

  /** File and line of the line read last, as in {@code texts.tsv:12}. */
  String where() {
    return name + ":" + number;
  }

  long number() {
    return number;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private String decode() {
    byte[] bytes = line.toByteArray();
    int length = bytes.length;
    if (length > 0 && bytes[length - 1] == '\r') {
      length--;
    }
    for (int i = 0; i < length; i++) {
      if (bytes[i] == '\r') {
        throw bad(
            "a carriage return within the line; lines end with LF or CRLF. A file with CR alone is"
                + " converted with `tr '\\r' '\\n'`");
      }
    }
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length)).toString();
      return number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw bad("the line is not UTF-8; convert the file, as with `iconv -t UTF-8`");
    }
  }

  private void skipLine() throws IOException {
    for (int read = in.read(); read >= 0 && read != '\n'; read = in.read()) {
      // The rest of a line that was refused.
    }
  }

  private InputRow.BadRowException bad(String message) {
    return new InputRow.BadRowException(where() + ": " + message);
  }
}
