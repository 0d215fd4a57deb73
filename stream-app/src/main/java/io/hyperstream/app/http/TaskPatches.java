package io.hyperstream.app.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.model.task.Label;
import io.hyperstream.schemas.TaskDefinition;
import io.micronaut.validation.validator.Validator;
import jakarta.inject.Singleton;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.ConstraintViolationException;
import java.util.HashMap;
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

  private final Validator validator;

  TaskPatches(Validator validator) {
    this.validator = validator;
  }

  /**
   * Checks the form of a patch.
   *
   * @throws ProblemException if it has fields that no definition has, or values of other types
   */
  void require(JsonNode patch) {
    BodyReader.read(patch, TaskInput.class); // before nulls are merged away
  }

  /**
   * The definition that a patch makes of another one, checked as one that is sent as a whole.
   *
   * @throws ProblemException if it cannot be read as a definition
   * @throws ConstraintViolationException if fields are outside their limits
   */
  TaskInput apply(TaskDefinition written, JsonNode patch) {
    JsonNode before = BodyReader.write(TaskInput.of(written));
    JsonNode merged = MergePatch.apply(before, withKnownLabels(before.get(LABELS), patch));
    TaskInput after = BodyReader.read(merged, TaskInput.class);
    Set<ConstraintViolation<TaskInput>> violations = validator.validate(after);
    if (!violations.isEmpty()) {
      throw new ConstraintViolationException(violations);
    }
    return after;
  }

  private static JsonNode withKnownLabels(JsonNode known, JsonNode patch) {
    if (!(patch.get(LABELS) instanceof ArrayNode given)) {
      return patch;
    }
    Map<String, JsonNode> byName = new HashMap<>();
    known.forEach(label -> byName.put(Label.canonical(label.get(NAME).textValue()), label));
    ObjectNode changed = patch.deepCopy();
    ArrayNode labels = changed.putArray(LABELS);
    for (JsonNode label : given) {
      String name = label.path(NAME).textValue();
      JsonNode before = name == null ? null : byName.get(Label.canonical(name));
      labels.add(MergePatch.apply(before == null ? MissingNode.getInstance() : before, label));
    }
    return changed;
  }
}
