package io.hyperstream.model.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A task as a folder: {@code task.json} (kind, labels, optionally template, metric, group) and
 * {@code train}, {@code validation} and {@code test} as {@code .tsv} (columns text, optionally the
 * second text, label; no header, no quoting) or {@code .jsonl} ({@code text}, {@code textPair},
 * {@code label}).
 *
 * @param group {@code source} or {@code target}: what it may be used for; empty if not said
 * @param metric what it is measured by
 */
public record TaskFolder(Path folder, TaskDefinition task, Metric metric, String group) {
  /** Largest file of examples that is read. */
  public static final long MAX_BYTES = 1L << 30;

  private static final long MAX_JSON_BYTES = 1 << 20;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * Reads a task's description.
   *
   * @throws IOException if it is missing or not what it should be, naming the file
   */
  public static TaskFolder open(Path folder) throws IOException {
    Path file = folder.resolve("task.json");
    if (Files.size(file) > MAX_JSON_BYTES) {
      throw new IOException(file + " is larger than " + MAX_JSON_BYTES + " bytes");
    }
    try {
      JsonNode json = MAPPER.readTree(Files.readAllBytes(file));
      String name = json.path("name").asText(folder.toAbsolutePath().getFileName().toString());
      TaskDefinition task = definition(name, json);
      return new TaskFolder(folder, task, metric(json, task), json.path("group").asText(""));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /** All task folders below a folder, by name. */
  public static List<TaskFolder> openAll(Path parent) throws IOException {
    List<Path> folders;
    try (Stream<Path> children = Files.list(parent)) {
      folders = children.filter(f -> Files.isRegularFile(f.resolve("task.json"))).sorted().toList();
    }
    List<TaskFolder> tasks = new ArrayList<>();
    for (Path folder : folders) {
      tasks.add(open(folder));
    }
    return tasks;
  }

  private static TaskDefinition definition(String name, JsonNode json) {
    String kind = json.path("kind").asText("classification");
    TaskKind taskKind =
        kind.contains("regression")
            ? TaskKind.REGRESSION
            : kind.contains("generation") ? TaskKind.GENERATION : TaskKind.CLASSIFICATION;
    boolean pair = kind.startsWith("pair") || json.path("columns").size() == 3;
    List<Label> labels = new ArrayList<>();
    if (taskKind == TaskKind.CLASSIFICATION) {
      json.path("labels").forEach(label -> labels.add(Label.of(label.asText())));
    }
    String template = json.path("template").asText("");
    Template single = pair ? Template.PAIR : Template.SINGLE;
    if (!template.isEmpty()) {
      single = new Template(template);
    }
    return new TaskDefinition(
        name,
        taskKind,
        labels,
        single,
        pair ? single : Template.PAIR,
        json.path("domain").asText(""),
        OverLengthPolicy.TRUNCATE,
        LabelScoring.EXACT,
        List.of());
  }

  private static Metric metric(JsonNode json, TaskDefinition task) {
    if (json.hasNonNull("metric")) {
      return Metric.valueOf(json.path("metric").asText().toUpperCase(java.util.Locale.ROOT));
    }
    return task.kind() == TaskKind.REGRESSION ? Metric.PEARSON : Metric.ACCURACY;
  }

  /** Whether there is such a split. */
  public boolean has(String split) {
    return Files.exists(folder.resolve(split + ".tsv"))
        || Files.exists(folder.resolve(split + ".jsonl"));
  }

  /**
   * Reads the examples of a split, in the file's order.
   *
   * @throws IOException naming file and line if a row is not what it should be
   */
  public List<Example> read(String split) throws IOException {
    Path tsv = folder.resolve(split + ".tsv");
    return Files.exists(tsv) ? readTsv(tsv) : readJsonLines(folder.resolve(split + ".jsonl"));
  }

  private List<Example> readTsv(Path file) throws IOException {
    return readLines(
        file,
        line -> {
          String[] columns = line.split("\t", -1);
          int expected = task.template().needsPair() ? 3 : 2;
          if (columns.length != expected) {
            throw new IllegalArgumentException(
                "expected " + expected + " columns, found " + columns.length);
          }
          Optional<String> pair = expected == 3 ? Optional.of(columns[1]) : Optional.empty();
          return new Example(columns[0], pair, columns[expected - 1]);
        });
  }

  private List<Example> readJsonLines(Path file) throws IOException {
    return readLines(
        file,
        line -> {
          try {
            JsonNode json = MAPPER.readTree(line);
            return new Example(
                json.path("text").textValue(),
                Optional.ofNullable(json.path("textPair").textValue()),
                json.path("label").isMissingNode() ? null : json.path("label").asText());
          } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not valid JSON: " + e.getOriginalMessage(), e);
          }
        });
  }

  private interface Parser {
    Example parse(String line);
  }

  private List<Example> readLines(Path file, Parser parser) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
    }
    Set<String> labels = new HashSet<>();
    task.labels().forEach(label -> labels.add(label.name()));
    List<Example> examples = new ArrayList<>();
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        try {
          examples.add(checked(parser.parse(line), labels));
        } catch (IllegalArgumentException e) {
          throw new IOException(file + ", line " + number + ": " + e.getMessage(), e);
        }
      }
    }
    return examples;
  }

  private Example checked(Example example, Set<String> labels) {
    if (task.kind() == TaskKind.REGRESSION) {
      Double.parseDouble(example.label());
    } else if (!labels.isEmpty() && !labels.contains(example.label())) {
      throw new IllegalArgumentException(
          "'" + example.label() + "' is none of the task's labels " + labels);
    }
    return example;
  }
}
