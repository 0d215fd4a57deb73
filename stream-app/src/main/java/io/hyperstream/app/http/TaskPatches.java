package io.hyperstream.app.http;

import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.model.task.Label;
import io.hyperstream.schemas.TaskDefinition;
import io.micronaut.json.JsonMapper;
import io.micronaut.json.tree.JsonNode;
import io.micronaut.validation.validator.Validator;
import jakarta.inject.Singleton;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.ConstraintViolationException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Changes of definitions as JSON merge patches (RFC 7396), with one addition: the labels of a patch
 * replace the list, as any array does, but each of them is merged with the known label of its name.
 * Any thread.
 */
@Singleton
final class TaskPatches {
  private static final String LABELS = "labels";
  private static final String NAME = "name";

  private final JsonMapper json;
  private final Validator validator;

  TaskPatches(JsonMapper json, Validator validator) {
    this.json = json;
    this.validator = validator;
  }

  /**
   * Checks the form of a patch.
   *
   * @throws ProblemException if it is no object, or has fields that no definition has
   */
  void require(JsonNode patch) {
    if (!patch.isObject()) {
      throw ProblemException.body("a merge patch is an object of the fields to change");
    }
    read(patch); // before nulls are merged away
  }

  /**
   * The definition that a patch makes of another one, checked as one that is sent as a whole.
   *
   * @throws ProblemException if it cannot be read as a definition
   * @throws ConstraintViolationException if fields are outside their limits
   */
  TaskInput apply(TaskDefinition written, JsonNode patch) {
    try {
      JsonNode before = json.writeValueToTree(TaskInput.of(written));
      JsonNode merged = MergePatch.apply(before, withKnownLabels(before.get(LABELS), patch));
      TaskInput after = read(merged);
      Set<ConstraintViolation<TaskInput>> violations = validator.validate(after);
      if (!violations.isEmpty()) {
        throw new ConstraintViolationException(violations);
      }
      return after;
    } catch (IOException e) {
      throw new UncheckedIOException("a definition cannot be written as JSON", e);
    }
  }

  private TaskInput read(JsonNode merged) {
    try {
      return json.readValueFromTree(merged, TaskInput.class);
    } catch (IOException e) {
      throw ProblemException.body(e);
    }
  }

  private static JsonNode withKnownLabels(JsonNode known, JsonNode patch) {
    JsonNode given = patch.get(LABELS);
    if (given == null || !given.isArray()) {
      return patch;
    }
    Map<String, JsonNode> byName = new HashMap<>();
    known
        .values()
        .forEach(label -> byName.put(Label.canonical(label.get(NAME).getStringValue()), label));
    List<JsonNode> labels = new ArrayList<>();
    for (JsonNode label : given.values()) {
      JsonNode name = label.isObject() ? label.get(NAME) : null;
      JsonNode before =
          name != null && name.isString()
              ? byName.get(Label.canonical(name.getStringValue()))
              : null;
      labels.add(MergePatch.apply(before == null ? JsonNode.nullNode() : before, label));
    }
    Map<String, JsonNode> changed = new HashMap<>();
    patch.entries().forEach(entry -> changed.put(entry.getKey(), entry.getValue()));
    changed.put(LABELS, JsonNode.createArrayNode(labels));
    return JsonNode.createObjectNode(changed);
  }
}
