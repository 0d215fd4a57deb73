package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.task.Label;
import java.util.Optional;

/**
 * A label in {@code task.json} and {@code tasks.json}: its name, or an object of name, verbalizer
 * and description where it has more to say.
 */
public final class LabelJson {
  private static final String NAME = "name";
  private static final String VERBALIZER = "verbalizer";
  private static final String DESCRIPTION = "description";

  private LabelJson() {}

  /**
   * Reads a label.
   *
   * @throws IllegalArgumentException if it is none, saying why
   */
  public static Label read(JsonNode node) {
    if (node.isValueNode() && !node.isNull()) {
      return Label.of(node.asText());
    }
    if (!node.path(NAME).isTextual()) {
      throw new IllegalArgumentException(
          "a label is its name, or an object with the text field 'name'; got " + shown(node));
    }
    return Label.of(node.path(NAME).textValue(), text(node, VERBALIZER), text(node, DESCRIPTION));
  }

  private static Optional<String> text(JsonNode label, String field) {
    JsonNode value = label.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw new IllegalArgumentException(
          "'" + field + "' of a label must be a text; got " + shown(value));
    }
    return Optional.of(value.textValue());
  }

  private static String shown(JsonNode node) {
    return node.isContainerNode() ? "a structure" : node.toString();
  }

  /** What {@link #read} reads. */
  public static JsonNode write(Label label) {
    if (label.ownVerbalizer().isEmpty() && label.description().isEmpty()) {
      return JsonNodeFactory.instance.textNode(label.name());
    }
    ObjectNode node = JsonNodeFactory.instance.objectNode().put(NAME, label.name());
    label.ownVerbalizer().ifPresent(text -> node.put(VERBALIZER, text));
    label.description().ifPresent(text -> node.put(DESCRIPTION, text));
    return node;
  }
}
