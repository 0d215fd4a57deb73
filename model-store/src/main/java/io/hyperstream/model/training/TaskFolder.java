package io.hyperstream.model.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.checkpoint.LabelJson;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A task as a folder: {@code train}, {@code validation} and {@code test} as {@code .tsv} (columns
 * text, optionally the second text, label; no header, no quoting) or {@code .jsonl} ({@code text},
 * {@code textPair}, {@code label}), and {@code task.json}. Of that all fields are optional: name,
 * kind (classification, pair-classification, regression or generation), labels, template, metric
 * (one or a list), step and group. What it does not say is the paper's for a GLUE task's name, and
 * is otherwise found in the training examples: the kind by their columns, the labels in
 * alphabetical order.
 *
 * @param metrics what it is measured by, at least one
 * @param step of the numbers a regression task says; 0 for numbers to one decimal
 * @param group {@code source} or {@code target}: what it may be used for; empty if not said
 */
public record TaskFolder(
    Path folder, TaskDefinition task, List<Metric> metrics, double step, String group) {
  /** Largest file of examples that is read. */
  public static final long MAX_BYTES = 1L << 30;

  private static final String DESCRIPTION = "task.json";
  private static final String TRAIN = "train";
  private static final long MAX_JSON_BYTES = 1 << 20;
  private static final int MAX_LINE_CHARS = 1 << 20;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  public TaskFolder {
    metrics = List.copyOf(metrics);
    boolean numbers = task.kind() == TaskKind.REGRESSION;
    for (Metric metric : metrics) {
      if (metric.isRegression() != numbers) {
        throw new IllegalArgumentException(
            metric.key() + " does not measure a task of kind " + task.kind());
      }
    }
    if (metrics.isEmpty() || !(step >= 0 && step <= 1000)) {
      throw new IllegalArgumentException("a task needs a metric, and a step of 0 to 1000");
    }
  }

  /** The first of the metrics. */
  public Metric metric() {
    return metrics.get(0);
  }

  /**
   * Reads a task's description.
   *
   * @throws IOException if it is not what it should be, naming the file, or if it is missing and
   *     nothing can be said without it
   */
  public static TaskFolder open(Path folder) throws IOException {
    Path file = folder.resolve(DESCRIPTION);
    boolean described = Files.exists(file);
    if (described && Files.size(file) > MAX_JSON_BYTES) {
      throw new IOException(file + " is larger than " + MAX_JSON_BYTES + " bytes");
    }
    try {
      JsonNode json =
          described ? MAPPER.readTree(Files.readAllBytes(file)) : MAPPER.createObjectNode();
      String name = json.path("name").asText(folder.toAbsolutePath().getFileName().toString());
      Optional<Glue> glue = Glue.named(name);
      TaskDefinition task = definition(folder, name, json, glue);
      return new TaskFolder(
          folder,
          task,
          metrics(json, task, glue),
          json.path("step").asDouble(glue.map(Glue::step).orElse(0.0)),
          json.path("group").asText(""));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IOException((described ? file : folder) + ": " + e.getMessage(), e);
    }
  }

  /** All task folders below a folder, by name: those with a description or training examples. */
  public static List<TaskFolder> openAll(Path parent) throws IOException {
    List<Path> folders;
    try (Stream<Path> children = Files.list(parent)) {
      folders = children.filter(TaskFolder::isTask).sorted().toList();
    }
    List<TaskFolder> tasks = new ArrayList<>();
    for (Path folder : folders) {
      tasks.add(open(folder));
    }
    return tasks;
  }

  /** Whether a folder has a description or training examples. */
  public static boolean isTask(Path folder) {
    return Files.isRegularFile(folder.resolve(DESCRIPTION)) || has(folder, TRAIN);
  }

  private static TaskDefinition definition(
      Path folder, String name, JsonNode json, Optional<Glue> glue) throws IOException {
    String kind = json.path("kind").asText("");
    boolean regression =
        kind.contains("regression")
            || (kind.isEmpty() && glue.map(Glue::isRegression).orElse(false));
    TaskKind taskKind =
        regression
            ? TaskKind.REGRESSION
            : kind.contains("generation") ? TaskKind.GENERATION : TaskKind.CLASSIFICATION;
    boolean classification = taskKind == TaskKind.CLASSIFICATION;
    boolean pair = kind.startsWith("pair") || json.path("columns").size() == 3;
    Map<String, Label> labels = new LinkedHashMap<>();
    if (classification) {
      json.path("labels").forEach(node -> add(labels, LabelJson.read(node)));
    }
    boolean findLabels = labels.isEmpty() && classification;
    if (findLabels || (kind.isEmpty() && !json.has("columns") && has(folder, TRAIN))) {
      int rows = findLabels ? Integer.MAX_VALUE : 1;
      List<Example> examples = read(folder, TRAIN, Optional.empty(), rows);
      pair |= examples.stream().anyMatch(example -> example.textPair().isPresent());
      if (findLabels) {
        examples.stream().map(Example::label).sorted().forEach(l -> add(labels, Label.of(l)));
      }
    }
    Template template = glue.map(Glue::template).orElse(pair ? Template.PAIR : Template.SINGLE);
    if (json.hasNonNull("template")) {
      template = new Template(json.path("template").asText());
    }
    return new TaskDefinition(
        name,
        taskKind,
        List.copyOf(labels.values()),
        template,
        template.needsPair() ? template : Template.PAIR,
        json.path("domain").asText(""),
        OverLengthPolicy.TRUNCATE,
        LabelScoring.EXACT,
        List.of());
  }

  private static void add(Map<String, Label> labels, Label label) {
    labels.putIfAbsent(label.name(), label);
  }

  private static List<Metric> metrics(JsonNode json, TaskDefinition task, Optional<Glue> glue) {
    boolean regression = task.kind() == TaskKind.REGRESSION;
    List<Metric> metrics = new ArrayList<>();
    JsonNode named = json.path("metric");
    for (JsonNode metric : named.isArray() ? named : MAPPER.createArrayNode().add(named)) {
      if (!metric.isMissingNode() && !metric.isNull()) {
        metrics.add(Metric.named(metric.asText()));
      }
    }
    if (metrics.isEmpty() && glue.isPresent() && glue.get().isRegression() == regression) {
      return glue.get().metrics();
    }
    if (metrics.isEmpty()) {
      metrics.add(regression ? Metric.PEARSON : Metric.ACCURACY);
    }
    return metrics;
  }

  /** Whether there is such a split. */
  public boolean has(String split) {
    return has(folder, split);
  }

  private static boolean has(Path folder, String split) {
    return Files.exists(folder.resolve(split + ".tsv"))
        || Files.exists(folder.resolve(split + ".jsonl"));
  }

  /**
   * Reads the examples of a split, in the file's order.
   *
   * @throws IOException naming file and line if a row is not what it should be
   */
  public List<Example> read(String split) throws IOException {
    return read(folder, split, Optional.of(task), Integer.MAX_VALUE);
  }

  /**
   * @param task what the examples must be of; empty while that is to be found out
   * @param most how many are wanted
   */
  private static List<Example> read(
      Path folder, String split, Optional<TaskDefinition> task, int most) throws IOException {
    Path tsv = folder.resolve(split + ".tsv");
    boolean tabs = Files.exists(tsv);
    Path file = tabs ? tsv : folder.resolve(split + ".jsonl");
    if (!Files.exists(file)) {
      throw new NoSuchFileException(
          folder.toString(),
          null,
          folder + " has neither " + split + ".tsv nor " + split + ".jsonl");
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
    }
    Set<String> labels = new HashSet<>();
    task.ifPresent(known -> known.labels().forEach(label -> labels.add(label.name())));
    List<Example> examples = new ArrayList<>();
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = nextLine(reader);
          line != null && examples.size() < most;
          line = nextLine(reader)) {
        number++;
        if (line.length() > MAX_LINE_CHARS) {
          throw new IOException(
              file + ", line " + number + ": longer than " + MAX_LINE_CHARS + " characters");
        }
        if (line.isBlank()) {
          continue;
        }
        try {
          Example example = tabs ? ofTabs(line, task) : ofJson(line);
          if (task.isPresent()) {
            check(example, task.get(), labels);
          }
          examples.add(example);
        } catch (IllegalArgumentException e) {
          throw new IOException(file + ", line " + number + ": " + e.getMessage(), e);
        }
      }
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8", e);
    }
    return examples;
  }

  /** A line without its end, or the beginning of one that is too long; null after the last. */
  private static String nextLine(BufferedReader reader) throws IOException {
    StringBuilder line = new StringBuilder();
    int read = reader.read();
    if (read < 0) {
      return null;
    }
    for (; read >= 0 && read != '\n' && line.length() <= MAX_LINE_CHARS; read = reader.read()) {
      line.append((char) read);
    }
    if (!line.isEmpty() && line.charAt(line.length() - 1) == '\r') {
      line.setLength(line.length() - 1);
    }
    return line.toString();
  }

  private static Example ofTabs(String line, Optional<TaskDefinition> task) {
    String[] columns = line.split("\t", -1);
    int found = columns.length;
    int expected = task.map(t -> t.template().needsPair() ? 3 : 2).orElse(found == 3 ? 3 : 2);
    if (found != expected) {
      throw new IllegalArgumentException("expected " + expected + " columns, found " + found);
    }
    Optional<String> pair = expected == 3 ? Optional.of(columns[1]) : Optional.empty();
    return new Example(columns[0], pair, columns[expected - 1]);
  }

  private static Example ofJson(String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      return new Example(
          json.path("text").textValue(),
          Optional.ofNullable(json.path("textPair").textValue()),
          json.path("label").isMissingNode() ? null : json.path("label").asText());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static void check(Example example, TaskDefinition task, Set<String> labels) {
    if (task.kind() == TaskKind.REGRESSION) {
      if (!Double.isFinite(Double.parseDouble(example.label()))) {
        throw new IllegalArgumentException("'" + example.label() + "' is no finite number");
      }
    } else if (!labels.isEmpty() && !labels.contains(example.label())) {
      throw new IllegalArgumentException(
          "'" + example.label() + "' is none of the task's labels " + labels);
    }
  }
}
