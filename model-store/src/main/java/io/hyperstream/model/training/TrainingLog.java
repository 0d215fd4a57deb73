package io.hyperstream.model.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * {@code metrics.jsonl}, one line per evaluation, and the same as a picture, {@code training.html}.
 */
final class TrainingLog {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int WIDTH = 900;
  private static final int HEIGHT = 260;

  private final Path lines;
  private final Path picture;

  TrainingLog(Path folder) {
    lines = folder.resolve("metrics.jsonl");
    picture = folder.resolve("training.html");
  }

  void append(TrainingListener.Evaluation evaluation, double loss, double rate) throws IOException {
    ObjectNode line = MAPPER.createObjectNode();
    line.put("step", evaluation.step());
    line.put("loss", loss);
    line.put("rate", rate);
    line.put("average", evaluation.average());
    line.put("best", evaluation.best());
    ObjectNode metrics = line.putObject("metrics");
    evaluation
        .metrics()
        .forEach(
            (task, measured) -> {
              ObjectNode ofTask = metrics.putObject(task);
              measured.forEach(ofTask::put);
            });
    Files.writeString(lines, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    draw();
  }

  /** Forgets what a killed run logged after its last saved state. */
  void dropAfter(int step) throws IOException {
    if (!Files.exists(lines)) {
      return;
    }
    StringBuilder kept = new StringBuilder();
    for (JsonNode line : read()) {
      if (line.path("step").asInt() <= step) {
        kept.append(line).append('\n');
      }
    }
    Path aside = lines.resolveSibling("metrics.jsonl.tmp");
    Files.writeString(aside, kept);
    Files.move(aside, lines, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private List<JsonNode> read() throws IOException {
    List<JsonNode> read = new ArrayList<>();
    for (String line : Files.readAllLines(lines)) {
      try {
        read.add(MAPPER.readTree(line));
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        break; // the line a kill cut off
      }
    }
    return read;
  }

  private void draw() throws IOException {
    List<JsonNode> points = read();
    String html =
        "<!doctype html><meta charset=utf-8><title>Training</title>"
            + "<body style='font-family:sans-serif;margin:2em'><h1>Training</h1>"
            + chart("Loss per target token", points, line -> line.path("loss").asDouble())
            + chart("Average metric", points, line -> line.path("average").asDouble());
    Files.writeString(picture, html);
  }

  private static String chart(
      String title, List<JsonNode> points, ToDoubleFunction<JsonNode> value) {
    double low = points.stream().mapToDouble(value).min().orElse(0);
    double high = points.stream().mapToDouble(value).max().orElse(1);
    double last = Math.max(1, points.get(points.size() - 1).path("step").asInt());
    StringBuilder path = new StringBuilder();
    for (JsonNode point : points) {
      double x = WIDTH * point.path("step").asInt() / last;
      double y = HEIGHT * (1 - (value.applyAsDouble(point) - low) / Math.max(1e-12, high - low));
      path.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
    }
    return String.format(
        Locale.ROOT,
        "<h2>%s</h2><p>%.4f to %.4f over %.0f steps</p><svg viewBox='-10 -10 %d %d' width='%d'>"
            + "<rect width='%d' height='%d' fill='none' stroke='#bbb'/>"
            + "<polyline points='%s' fill='none' stroke='#0b5fff' stroke-width='2'/></svg>",
        title,
        low,
        high,
        last,
        WIDTH + 20,
        HEIGHT + 20,
        WIDTH + 20,
        WIDTH,
        HEIGHT,
        path);
  }
}
