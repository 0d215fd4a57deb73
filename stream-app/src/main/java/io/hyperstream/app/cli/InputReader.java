package io.hyperstream.app.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.streams.JsonSentences;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Streams the rows of a file of texts: lines, JSONL, TSV or CSV. What is none of them is refused. A
 * bad row is reported with file and line, and reading may go on behind it unless it says otherwise.
 * One thread.
 */
final class InputReader implements AutoCloseable {
  static final int MAX_ATTRIBUTES = 64;
  static final int MAX_KEY_CHARACTERS = 1024;

  /** Columns and fields; a file of requests may have labels too, which are not sent. */
  private static final List<String> FIELDS =
      List.of("taskId", "text", "textPair", "requestId", "key", "attributes", "label");

  /** Beginnings of files that are no texts, and what they are. */
  private static final Map<String, String> MAGIC =
      Map.of(
          "PK\u0003\u0004", "a zip archive, as spreadsheets are; save it as CSV in UTF-8",
          "\u00d0\u00cf\u0011\u00e0", "an old spreadsheet or document; save it as CSV in UTF-8",
          "%PDF", "a PDF",
          "PAR1", "a Parquet file",
          "Obj\u0001", "an Avro file",
          "\u001f\u008b", "compressed; unpack it first, as with `gunzip -c`",
          "(\u00b5/\u00fd", "compressed; unpack it first, as with `zstd -dc`",
          "\u00ff\u00fe", "UTF-16; convert it, as with `iconv -f UTF-16 -t UTF-8`",
          "\u00fe\u00ff", "UTF-16; convert it, as with `iconv -f UTF-16 -t UTF-8`");

  private static final List<String> COLUMNS =
      FIELDS.stream().filter(field -> !field.equals("attributes")).toList();

  private static final String PER_LINE =
      "; JSON Lines is an object on each line, as `jq -c .` writes it, or `jq -c '.[]'` of an array";

  private static final int MAGIC_BYTES = 4;
  private static final Pattern COLUMN_NAME = Pattern.compile("\"?[\\w .-]{1,40}\"?");

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final String name;
  private final InputStream in;
  private final LineReader lines;
  private final InputFormat format;
  private final boolean guessed;
  private final boolean labelled;
  private final Map<String, String> fieldOfColumn;
  private CsvRows csv;
  private List<String> columns;
  private boolean started;
  private boolean checked;

  private InputReader(
      String file,
      InputStream in,
      InputFormat format,
      boolean labelled,
      Map<String, String> columnOfField) {
    InputFormat known = format.forFile(file);
    this.name = file.equals("-") ? "(standard input)" : file;
    this.in = new BufferedInputStream(in, 1 << 16);
    this.lines = new LineReader(name, this.in);
    this.format = labelled && known == InputFormat.LINES ? InputFormat.TSV : known;
    this.guessed = format == InputFormat.AUTO && known == InputFormat.LINES;
    this.labelled = labelled;
    this.fieldOfColumn = inverted(columnOfField);
    if (this.format == InputFormat.LINES && !columnOfField.isEmpty()) {
      throw CommandFailure.usage("--column: lines have no columns; name the --format");
    }
  }

  /**
   * Rows of texts.
   *
   * @param file its name, {@code -} for standard input
   * @param columnOfField which column or field of the file holds which of ours; empty if they have
   *     the same names
   * @throws CommandFailure if the file's name says that it holds no texts
   */
  static InputReader of(
      String file, InputStream in, InputFormat format, Map<String, String> columnOfField) {
    return new InputReader(file, in, format, false, columnOfField);
  }

  /**
   * Rows with labels; of TSV without a header the last column. A row may name an earlier request
   * instead of a text.
   *
   * @see #of
   */
  static InputReader ofLabels(
      String file, InputStream in, InputFormat format, Map<String, String> columnOfField) {
    return new InputReader(file, in, format, true, columnOfField);
  }

  private static Map<String, String> inverted(Map<String, String> columnOfField) {
    Map<String, String> inverted = new LinkedHashMap<>();
    columnOfField.forEach(
        (field, column) -> {
          if (!COLUMNS.contains(field)) {
            throw CommandFailure.usage(
                "--column: there is no field '" + field + "'; the fields are " + COLUMNS);
          }
          if (inverted.put(column, field) != null) {
            throw CommandFailure.usage("--column: the column '" + column + "' is named twice");
          }
        });
    return inverted;
  }

  /**
   * The next row, blank lines left out; empty after the last.
   *
   * @throws InputRow.BadRowException if the row cannot be used
   */
  Optional<InputRow> next() throws IOException {
    if (!started) {
      started = true;
      checkBeginning();
    }
    if (format == InputFormat.CSV) {
      return nextOfCsv();
    }
    for (String line = lines.next(); line != null; line = lines.next()) {
      if (line.isBlank()) {
        continue;
      }
      if (guessed && !checked) {
        checked = true;
        checkGuess(line.strip());
      }
      switch (format) {
        case JSONL -> {
          return Optional.of(json(line));
        }
        case TSV -> {
          List<String> cells = List.of(line.split("\t", -1));
          if (columns != null || !isHeader(cells)) {
            return Optional.of(row(cells));
          }
        }
        case LINES, AUTO, CSV -> {
          return Optional.of(InputRow.of(lines.where(), line));
        }
      }
    }
    return Optional.empty();
  }

  private Optional<InputRow> nextOfCsv() throws IOException {
    if (csv == null) {
      csv = new CsvRows(name, in);
      List<String> header = csv.next();
      if (header.isEmpty()) {
        return Optional.empty();
      }
      columns = fields(header);
    }
    List<String> cells = csv.next();
    if (!cells.isEmpty() && cells.size() < columns.size()) {
      throw bad("the row has " + cells.size() + " columns where the header has " + columns.size());
    }
    return cells.isEmpty() ? Optional.empty() : Optional.of(row(cells));
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  /** Refuses what can be told from its first bytes. */
  private void checkBeginning() throws IOException {
    byte[] bytes = new byte[MAGIC_BYTES];
    in.mark(MAGIC_BYTES);
    int read = in.read(bytes);
    in.reset();
    String beginning = new String(bytes, 0, Math.max(0, read), StandardCharsets.ISO_8859_1);
    for (Map.Entry<String, String> magic : MAGIC.entrySet()) {
      if (beginning.startsWith(magic.getKey())) {
        throw InputRow.BadRowException.endingTheFile(
            name + ": not text in UTF-8 but " + magic.getValue());
      }
    }
  }

  /** Lines are taken as they are only if nothing says that they are something else. */
  private void checkGuess(String line) {
    String looks = "";
    if (JSON_BEGINS.contains(line.strip()) || line.startsWith("[{") || isJsonRow(line)) {
      looks = "JSON";
    } else if (isHeaderOf(line, ",")) {
      looks = "CSV";
    } else if (!labelled && isHeaderOf(line, "\t")) {
      looks = "TSV";
    }
    if (!looks.isEmpty()) {
      throw ending(
          "this looks like %s, and nothing says so; say what it is: --format %s, or --format %s"
              .formatted(
                  looks,
                  looks.equals("JSON") ? "JSONL (an object per line)" : looks,
                  labelled ? "TSV" : "LINES if each line is a text"));
    }
  }

  /** First lines of JSON that is printed over several. */
  private static final Set<String> JSON_BEGINS = Set.of("[", "{");

  private static boolean isJsonRow(String line) {
    if (!line.startsWith("{")) {
      return false;
    }
    try {
      JsonNode node = JSON.readTree(line);
      return FIELDS.stream().anyMatch(node::has);
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  private static boolean isHeaderOf(String line, String separator) {
    List<String> cells = List.of(line.split(separator, -1));
    return cells.size() > 1
        && (cells.contains("text") || cells.contains("\"text\""))
        && cells.stream().allMatch(cell -> COLUMN_NAME.matcher(cell).matches());
  }

  /** The first line of TSV is a header if it names a column "text", or columns were asked for. */
  private boolean isHeader(List<String> cells) {
    boolean header =
        cells.contains("text")
            || (labelled && cells.contains("requestId"))
            || !fieldOfColumn.isEmpty();
    columns =
        header
            ? fields(cells)
            : labelled ? labelColumns(cells.size()) : List.of("text", "textPair");
    return header;
  }

  /** The field that each column of a header holds; blank for a column that is left out. */
  private List<String> fields(List<String> header) {
    Set<String> seen = new TreeSet<>();
    for (String column : header) {
      if (!seen.add(column)) {
        throw ending("the column '" + column + "' is there twice");
      }
    }
    for (String column : fieldOfColumn.keySet()) {
      if (!header.contains(column)) {
        throw ending("there is no column '" + column + "'; the first line has " + header);
      }
    }
    if (!fieldOfColumn.isEmpty()) {
      return header.stream().map(column -> fieldOfColumn.getOrDefault(column, "")).toList();
    }
    for (String column : header) {
      if (!COLUMNS.contains(column)) {
        throw ending(
            "unknown column '"
                + column
                + "'; known are "
                + COLUMNS
                + ". Say which to read, such as --column text="
                + (header.contains("text") ? "text" : column)
                + ", and the others are left out"
                + (header.size() == 1 ? "; columns of CSV are separated by commas" : ""));
      }
    }
    if (!header.contains("text") && !(labelled && header.contains("requestId"))) {
      throw ending(
          "the first line names the columns, and none is 'text'; it has "
              + header
              + ". Say which it is, such as --column text="
              + header.get(0));
    }
    return header;
  }

  private static List<String> labelColumns(int cells) {
    return cells == 2 ? List.of("text", "label") : List.of("text", "textPair", "label");
  }

  private InputRow row(List<String> cells) {
    if (cells.size() > columns.size()) {
      throw bad(
          "the row has "
              + cells.size()
              + " columns where "
              + columns.size()
              + " were expected; "
              + (format == InputFormat.CSV
                  ? "a value with commas or quotes is quoted"
                  : "a text holds no tabs, and a header line may name the columns"));
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (int i = 0; i < cells.size(); i++) {
      if (!cells.get(i).isEmpty() && !columns.get(i).isEmpty()) {
        values.put(columns.get(i), cells.get(i));
      }
    }
    return row(values, Map.of());
  }

  private InputRow json(String line) {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw bad(JsonSentences.of(e) + PER_LINE);
    }
    if (!node.isObject()) {
      throw bad(
          "expected a JSON object like {\"text\": \"...\"}, got "
              + JsonSentences.kindOf(node)
              + PER_LINE);
    }
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, String> attributes = Map.of();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      String column = field.getKey();
      String name = fieldOfColumn.isEmpty() ? column : fieldOfColumn.getOrDefault(column, "");
      if (name.isEmpty()) {
        continue;
      }
      if (!FIELDS.contains(name)) {
        throw bad(
            "unknown field '"
                + name
                + "'; known are "
                + FIELDS
                + ". Say which to read, such as --column text=text, and the others are left out");
      }
      if (name.equals("attributes")) {
        attributes = attributes(field.getValue());
      } else if (field.getValue().isTextual()) {
        values.put(name, field.getValue().textValue());
      } else if (!field.getValue().isNull()) {
        throw bad(
            "field '"
                + column
                + "' must be a string, got "
                + JsonSentences.kindOf(field.getValue()));
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
        where(),
        text == null ? "" : text,
        Optional.ofNullable(values.get("textPair")),
        Optional.ofNullable(values.get("taskId")),
        Optional.ofNullable(values.get("requestId")),
        Optional.ofNullable(values.get("key")),
        Optional.ofNullable(values.get("label")),
        attributes);
  }

  private String where() {
    return csv == null ? lines.where() : csv.where();
  }

  private InputRow.BadRowException bad(String message) {
    return new InputRow.BadRowException(where() + ": " + message);
  }

  /** Behind it nothing can be read as it was meant. */
  private InputRow.BadRowException ending(String message) {
    return InputRow.BadRowException.endingTheFile(where() + ": " + message);
  }
}
