package io.hyperstream.app.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import io.hyperstream.app.streams.Sentences;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the rows of a CSV file as RFC 4180 describes it, in UTF-8 and in bounded memory. What is
 * not CSV ends the file: nobody knows where the next row begins. One thread.
 */
final class CsvRows implements AutoCloseable {
  private static final int MAX_COLUMNS = 1024;

  private static final CsvFactory FACTORY =
      CsvFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(LineReader.MAX_LINE_BYTES).build())
          .build();

  private final String name;
  private final CsvParser parser;
  private int line;

  CsvRows(String name, InputStream in) throws IOException {
    this.name = name;
    this.parser =
        FACTORY.createParser(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
  }

  /** The cells of the next row, empty lines left out; empty after the last. */
  List<String> next() throws IOException {
    List<String> cells = new ArrayList<>();
    try {
      while (parser.nextToken() == JsonToken.START_ARRAY) {
        boolean first = line == 0;
        // Where the row before it ended.
        line = first ? 1 : parser.currentTokenLocation().getLineNr() + 1;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          String cell = parser.getText();
          if (cells.size() == MAX_COLUMNS) {
            throw bad("the row has more than " + MAX_COLUMNS + " columns");
          }
          if (cell.indexOf('\0') >= 0) {
            throw bad(LineReader.NUL);
          }
          cells.add(
              first && cells.isEmpty() && cell.startsWith("\uFEFF") ? cell.substring(1) : cell);
        }
        if (cells.size() != 1 || !cells.get(0).isBlank()) {
          return cells;
        }
        cells.clear();
      }
      return cells;
    } catch (StreamConstraintsException e) {
      throw bad(
          "a value is longer than "
              + LineReader.MAX_LINE_BYTES
              + " characters; perhaps a quote is not closed");
    } catch (JsonProcessingException e) {
      throw bad("not CSV: " + Sentences.of(e.getOriginalMessage()));
    } catch (CharacterCodingException e) {
      throw bad("not UTF-8 from here on; convert the file, as with `iconv -t UTF-8`");
    }
  }

  /** File and line of the row read last, as in {@code texts.csv:12}. */
  String where() {
    return name + ":" + line;
  }

  @Override
  public void close() throws IOException {
    parser.close();
  }

  private InputRow.BadRowException bad(String message) {
    return InputRow.BadRowException.endingTheFile(where() + ": " + message);
  }
}
