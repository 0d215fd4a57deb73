package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * A task a model was trained on: what {@code tasks.json} says about it.
 *
 * @param definition ready to be served
 * @param testAccuracy measured by whoever trained the model, 0 to 1
 * @param testExamples how many examples that was measured on; 0 if unknown
 * @param licence of the training data
 * @param source where the training data is from
 */
public record SourceTask(
    TaskDefinition definition,
    OptionalDouble testAccuracy,
    int testExamples,
    String licence,
    String source) {
  private static final int MAX_BYTES = 16 << 20;

  /** Reads {@code tasks.json}: a list of task cards. */
  public static List<SourceTask> readAll(Path file) throws IOException {
    return readAll(Json.read(file, MAX_BYTES), file.toString());
  }

  /**
   * Reads {@code tasks.json} from a stream.
   *
   * @param where its name, for messages
   */
  public static List<SourceTask> readAll(InputStream in, String where) throws IOException {
    return readAll(Json.parse(in.readNBytes(MAX_BYTES), where), where);
  }

  private static List<SourceTask> readAll(JsonNode root, String where) throws IOException {
    if (!root.isArray()) {
      throw new IOException(where + " must be a list of tasks");
    }
    List<SourceTask> tasks = new ArrayList<>();
    for (JsonNode node : root) {
      tasks.add(read(node, where + ", task " + (tasks.size() + 1)));
    }
    return List.copyOf(tasks);
  }

  private static SourceTask read(JsonNode node, String where) throws IOException {
    String taskId = Json.text(node, "taskId", where);
    try {
      TaskKind kind = TaskKind.valueOf(Json.text(node, "kind", where));
      List<Label> labels = new ArrayList<>();
      if (kind == TaskKind.CLASSIFICATION) {
        Json.array(node, "labels", where).forEach(label -> labels.add(LabelJson.read(label)));
      }
      Template template = new Template(node.path("template").asText("{text}"));
      TaskDefinition definition =
          new TaskDefinition(
              taskId,
              kind,
              labels,
              template,
              template.needsPair() ? template : Template.PAIR,
              node.path("description").asText(""),
              OverLengthPolicy.TRUNCATE,
              LabelScoring.EXACT,
              List.of(taskId));
      return new SourceTask(
          definition,
          node.path("testAccuracy").isNumber()
              ? OptionalDouble.of(node.path("testAccuracy").doubleValue())
              : OptionalDouble.empty(),
          node.path("testExamples").asInt(0),
          node.path("licence").asText(""),
          node.path("source").asText(""));
    } catch (IllegalArgumentException e) {
      throw new IOException(where + " ('" + taskId + "'): " + e.getMessage(), e);
    }
  }
}
