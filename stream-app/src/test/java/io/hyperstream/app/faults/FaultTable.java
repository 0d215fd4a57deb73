package io.hyperstream.app.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The result of each fault, as JSON and as a Markdown table; rewritten with each row. */
final class FaultTable {
  private final Path json;
  private final Path markdown;
  private final Map<String, Object> conditions;
  private final List<Row> rows = new ArrayList<>();
  private Map<String, Object> result = Map.of();

  /**
   * One fault.
   *
   * @param fault its name
   * @param how it was injected
   * @param recoverySeconds from then until every partition had answers to requests sent after it
   * @param longestWaitSeconds that a request sent before or during it waited for its answer
   * @param requests sent before the end of it, since the last one's
   * @param lost requests without an answer
   * @param doubled requests with several
   */
  record Row(
      String fault,
      String how,
      double recoverySeconds,
      double longestWaitSeconds,
      int requests,
      int lost,
      int doubled) {}

  FaultTable(Path folder, Map<String, Object> conditions) throws IOException {
    Files.createDirectories(folder);
    json = folder.resolve("containers.json");
    markdown = folder.resolve("containers.md");
    this.conditions = conditions;
    write();
  }

  void add(Row row) throws IOException {
    rows.add(row);
    write();
  }

  /** Adds the result of the whole run. */
  void end(Map<String, Object> all) throws IOException {
    result = all;
    write();
  }

  private void write() throws IOException {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("conditions", conditions);
    document.put("faults", rows);
    document.put("result", result);
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(json.toFile(), document);
    Files.writeString(markdown, this + System.lineSeparator());
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder(
            """
            | fault | how injected | recovery s | longest wait s | requests | lost | doubled |
            |---|---|---|---|---|---|---|
            """);
    for (Row row : rows) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.1f | %.1f | %d | %d | %d |%n",
              row.fault,
              row.how,
              row.recoverySeconds,
              row.longestWaitSeconds,
              row.requests,
              row.lost,
              row.doubled));
    }
    return text.append('\n').append(conditions).append('\n').append(result).toString();
  }
}
