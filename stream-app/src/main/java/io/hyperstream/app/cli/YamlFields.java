package io.hyperstream.app.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * The fields of one YAML mapping, read with the type the caller expects. Values are taken as they
 * are written, so that a label {@code yes} stays "yes". Every complaint names file and line.
 */
final class YamlFields {
  private final String file;
  private final int line;
  private final String what;
  private final Map<String, Node> values;

  private YamlFields(String file, int line, String what, Map<String, Node> values) {
    this.file = file;
    this.line = line;
    this.what = what;
    this.values = values;
  }

  /**
   * @param what the mapping is, for messages
   * @param known the fields it may have
   */
  static YamlFields of(String file, Node node, String what, List<String> known) {
    if (!(node instanceof MappingNode mapping)) {
      throw bad(file, lineOf(node), what + " must be a mapping of fields, got " + nameOf(node));
    }
    Map<String, Node> values = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String name = scalar(file, tuple.getKeyNode(), "a field name");
      int line = lineOf(tuple.getKeyNode());
      if (!known.contains(name)) {
        throw bad(file, line, "unknown field '" + name + "' of " + what + "; known are " + known);
      }
      if (values.put(name, tuple.getValueNode()) != null) {
        throw bad(file, line, "field '" + name + "' of " + what + " is given twice");
      }
    }
    return new YamlFields(file, lineOf(node), what, values);
  }

  Optional<Node> node(String name) {
    return Optional.ofNullable(values.get(name));
  }

  Optional<String> string(String name, int maxLength) {
    return node(name).map(node -> limited(node, scalar(file, node, field(name)), name, maxLength));
  }

  String requiredString(String name, int maxLength) {
    return string(name, maxLength)
        .orElseThrow(() -> bad("the field '" + name + "' of " + what + " is missing"));
  }

  /** The strings of a list; one string alone is not a list. */
  List<String> strings(String name, int maxCount, int maxLength) {
    List<String> strings = new ArrayList<>();
    for (Node node : list(name, maxCount)) {
      strings.add(limited(node, scalar(file, node, "an entry of " + field(name)), name, maxLength));
    }
    return strings;
  }

  List<Node> list(String name, int maxCount) {
    Optional<Node> node = node(name);
    if (node.isEmpty()) {
      return List.of();
    }
    if (!(node.get() instanceof SequenceNode sequence)) {
      throw bad(
          file, lineOf(node.get()), field(name) + " must be a list, got " + nameOf(node.get()));
    }
    if (sequence.getValue().size() > maxCount) {
      throw bad(
          file,
          lineOf(sequence),
          field(name) + " has " + sequence.getValue().size() + " entries; at most " + maxCount);
    }
    return sequence.getValue();
  }

  <E extends Enum<E>> Optional<E> choice(String name, Class<E> type, List<E> allowed) {
    return string(name, 64)
        .map(
            text ->
                allowed.stream()
                    .filter(value -> value.name().equals(text.toUpperCase(Locale.ROOT)))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            bad(
                                field(name)
                                    + " must be one of "
                                    + allowed.stream()
                                        .map(Enum::name)
                                        .collect(Collectors.joining(", "))
                                    + "; got '"
                                    + text
                                    + "'")));
  }

  <E extends Enum<E>> Optional<E> choice(String name, Class<E> type) {
    return choice(name, type, Arrays.asList(type.getEnumConstants()));
  }

  Optional<Integer> integer(String name, int min, int max) {
    return bounded(name, Integer::valueOf, "a whole number", min, max);
  }

  Optional<Double> number(String name, double min, double max) {
    return bounded(name, Double::valueOf, "a number", min, max);
  }

  private <N extends Number> Optional<N> bounded(
      String name, Function<String, N> parse, String kind, N min, N max) {
    return string(name, 32)
        .map(
            text -> {
              try {
                N value = parse.apply(text);
                if (value.doubleValue() >= min.doubleValue()
                    && value.doubleValue() <= max.doubleValue()) {
                  return value;
                }
              } catch (NumberFormatException e) {
                // The message below says it.
              }
              throw bad(
                  field(name)
                      + " must be "
                      + kind
                      + " from "
                      + min
                      + " to "
                      + max
                      + "; got '"
                      + text
                      + "'");
            });
  }

  Optional<Boolean> bool(String name) {
    return string(name, 8)
        .map(
            text ->
                switch (text.toLowerCase(Locale.ROOT)) {
                  case "true" -> true;
                  case "false" -> false;
                  default -> throw bad(field(name) + " must be true or false; got '" + text + "'");
                });
  }

  CommandFailure bad(String message) {
    return bad(file, line, message);
  }

  static CommandFailure bad(String file, int line, String message) {
    return CommandFailure.failed(file + ":" + line + ": " + message);
  }

  static int lineOf(Node node) {
    return node.getStartMark().getLine() + 1;
  }

  static String nameOf(Node node) {
    return switch (node.getNodeId()) {
      case scalar -> "the single value '" + abbreviated(((ScalarNode) node).getValue()) + "'";
      case sequence -> "a list";
      case mapping -> "a mapping";
      case anchor -> "an anchor";
    };
  }

  static String scalar(String file, Node node, String what) {
    if (!(node instanceof ScalarNode scalar)) {
      throw bad(file, lineOf(node), what + " must be a single value, got " + nameOf(node));
    }
    if (scalar.getTag().equals(Tag.NULL)) {
      throw bad(file, lineOf(node), what + " has no value; leave it out or give it one");
    }
    return scalar.getValue();
  }

  private String limited(Node node, String text, String name, int maxLength) {
    if (text.length() > maxLength) {
      throw bad(
          file,
          lineOf(node),
          field(name) + " has " + text.length() + " characters; at most " + maxLength);
    }
    return text;
  }

  private String field(String name) {
    return "'" + name + "' of " + what;
  }

  private static String abbreviated(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }
}
