package io.hyperstream.app.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Streams the rows of a file of texts: lines, JSONL or TSV. A bad row is reported with file and
 * line, and reading may go on behind it. One thread.
 */
final class InputReader implements AutoCloseable {
  static final int MAX_ATTRIBUTES = 64;
  static final int MAX_KEY_CHARACTERS = 1024;

  /** Columns and fields; a file of requests may have labels too, which are not sent. */
  private static final List<String> FIELDS =
      List.of("taskId", "text", "textPair", "requestId", "key", "attributes", "label");

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final LineReader lines;
  private final InputFormat format;
  private final boolean labelled;
  private List<String> columns;

  /**
   * @param name the file's name, {@code -} for standard input
   */
  InputReader(String name, InputStream in, InputFormat format) {
    this(name, in, format.forFile(name), false);
  }

  private InputReader(String name, InputStream in, InputFormat format, boolean labelled) {
    this.lines = new LineReader(name.equals("-") ? "(standard input)" : name, in);
    this.format = format;
    this.labelled = labelled;
  }

  /**
   * Rows with labels, JSONL or TSV, whose last column is the label unless a header says otherwise.
   * A row may name an earlier request instead of a text.
   *
   * @param name the file's name, {@code -} for standard input
   */
  static InputReader ofLabels(String name, InputStream in, InputFormat format) {
    InputFormat known = format.forFile(name);
    return new InputReader(name, in, known == InputFormat.LINES ? InputFormat.TSV : known, true);
  }

  /**
   * The next row, blank lines left out; empty after the last.
   *
   * @throws InputRow.BadRowException if the row cannot be used
   */
  Optional<InputRow> next() throws IOException {
    for (String line = lines.next(); line != null; line = lines.next()) {
      if (line.isBlank()) {
        continue;
      }
      switch (format) {
        case JSONL -> {
          return Optional.of(json(line));
        }
        case TSV -> {
          String[] cells = line.split("\t", -1);
          if (columns != null || !isHeader(cells)) {
            return Optional.of(tsv(cells));
          }
        }
        case LINES, AUTO -> {
          return Optional.of(InputRow.of(lines.where(), line));
        }
      }
    }
    return Optional.empty();
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  /** The first line is a header if it names a column "text"; then every cell must be a name. */
  private boolean isHeader(String[] cells) {
    List<String> first = List.of(cells);
    if (!first.contains("text") && !(labelled && first.contains("requestId"))) {
      columns = labelled ? labelColumns(cells.length) : List.of("text", "textPair");
      return false;
    }
    Set<String> seen = new TreeSet<>();
    for (String cell : cells) {
      if (!FIELDS.contains(cell) || cell.equals("attributes") || !seen.add(cell)) {
        throw bad("unknown or repeated column '" + cell + "'; known are " + FIELDS);
      }
    }
    columns = first;
    return true;
  }

  private static List<String> labelColumns(int cells) {
    return cells == 2 ? List.of("text", "label") : List.of("text", "textPair", "label");
  }

  private InputRow tsv(String[] cells) {
    if (cells.length > columns.size()) {
      throw bad(
          "the row has "
              + cells.length
              + " columns where "
              + columns
              + " were expected; a text"
              + " holds no tabs, and a header line may name the columns");
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (int i = 0; i < cells.length; i++) {
      if (!cells[i].isEmpty()) {
        values.put(columns.get(i), cells[i]);
      }
    }
    return row(values, Map.of());
  }

  private InputRow json(String line) {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw bad("not JSON: " + e.getOriginalMessage());
    }
    if (!node.isObject()) {
      throw bad("expected a JSON object like {\"text\": \"...\"}, got " + node.getNodeType());
    }
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, String> attributes = Map.of();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      String name = field.getKey();
      if (!FIELDS.contains(name)) {
        throw bad("unknown field '" + name + "'; known are " + FIELDS);
      }
      if (name.equals("attributes")) {
        attributes = attributes(field.getValue());
      } else if (field.getValue().isTextual()) {
        values.put(name, field.getValue().textValue());
      } else if (!field.getValue().isNull()) {
        throw bad("field '" + name + "' must be a string, got " + field.getValue().getNodeType());
      }
    }
    return row(values, attributes);
  }

  private Map<String, String> attributes(JsonNode node) {
    if (!node.isObject() || node.size() > MAX_ATTRIBUTES) {
      throw bad("'attributes' must be an object of at most " + MAX_ATTRIBUTES + " strings");
    }
    Map<String, String> attributes = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getValue().isTextual()) {
        throw bad("attribute '" + field.getKey() + "' must be a string");
      }
      attributes.put(field.getKey(), field.getValue().textValue());
    }
    return attributes;
  }

  private InputRow row(Map<String, String> values, Map<String, String> attributes) {
    String text = values.get("text");
    if (text == null && !(labelled && values.containsKey("requestId"))) {
      throw bad("the row has no text; expected " + FIELDS.subList(0, 3));
    }
    for (String name : Arrays.asList("key", "requestId")) {
      if (values.getOrDefault(name, "").length() > MAX_KEY_CHARACTERS) {
        throw bad("'" + name + "' is longer than " + MAX_KEY_CHARACTERS + " characters");
      }
    }
    return new InputRow(
        lines.where(),
        text == null ? "" : text,
        Optional.ofNullable(values.get("textPair")),
        Optional.ofNullable(values.get("taskId")),
        Optional.ofNullable(values.get("requestId")),
        Optional.ofNullable(values.get("key")),
        Optional.ofNullable(values.get("label")),
        attributes);
  }

  private InputRow.BadRowException bad(String message) {
    return new InputRow.BadRowException(lines.where() + ": " + message);
  }
}
