package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a definition takes away from the one that holds: fields that go back to their defaults,
 * labels, what was said of a label. What gets another value is no loss.
 */
final class DefinitionLosses {
  private static final TaskDefinition PLAIN =
      TaskDefinition.newBuilder()
          .setTaskId("plain")
          .setKind(io.hyperstream.schemas.TaskKind.CLASSIFICATION)
          .build();

  private final TaskDefinition before;
  private final TaskDefinition after;
  private final List<String> losses = new ArrayList<>();

  private DefinitionLosses(TaskDefinition before, TaskDefinition after) {
    this.before = before;
    this.after = after;
  }

  /** Labels that are no more, in the order they have. */
  static List<String> labels(TaskDefinition before, TaskDefinition after) {
    List<String> kept = after.getLabels().stream().map(TaskLabel::getName).toList();
    return before.getLabels().stream()
        .map(TaskLabel::getName)
        .filter(name -> !kept.contains(name))
        .toList();
  }

  /**
   * A line for each thing, with the task's name.
   *
   * @param examples how many each label has, as far as that is known
   */
  static List<String> of(
      TaskDefinition before, TaskDefinition after, Map<String, Integer> examples) {
    return new DefinitionLosses(before, after).all(examples);
  }

  private List<String> all(Map<String, Integer> examples) {
    List<String> gone = labels(before, after);
    if (!gone.isEmpty()) {
      Map<String, Integer> aside = new TreeMap<>(examples);
      aside.keySet().retainAll(gone);
      say(
          "drops "
              + (gone.size() == 1 ? "the label " : "the labels ")
              + Rendering.some(gone)
              + (aside.isEmpty() ? "" : "; " + Sentences.examples(aside) + " set aside"));
    }
    drops("description", TaskDefinition::getDescription);
    drops("initFrom", TaskDefinition::getInitFrom);
    drops("template", TaskDefinition::getTemplate);
    drops("templatePair", TaskDefinition::getTemplatePair);
    drops("overLength", TaskDefinition::getOverLength);
    drops("scoring", TaskDefinition::getScoring);
    drops("abstainBelow", TaskDefinition::getAbstainBelow);
    drops("adaptation", TaskDefinition::getAdaptation);
    dropsOfLabels("description", TaskLabel::getDescription);
    dropsOfLabels("verbalizer", TaskLabel::getVerbalizer);
    return losses;
  }

  private void drops(String field, Function<TaskDefinition, Object> value) {
    Object was = value.apply(before);
    Object plain = value.apply(PLAIN);
    Object is = value.apply(after);
    if (!Objects.equals(was, plain) && Objects.equals(is, plain)) {
      say("drops its " + field + (was instanceof String || was instanceof List ? " " + was : ""));
    }
  }

  private void dropsOfLabels(String field, Function<TaskLabel, String> value) {
    Map<String, TaskLabel> now =
        after.getLabels().stream()
            .collect(Collectors.toMap(TaskLabel::getName, l -> l, (a, b) -> a));
    List<String> dropped =
        before.getLabels().stream()
            .filter(label -> value.apply(label) != null && now.containsKey(label.getName()))
            .filter(label -> value.apply(now.get(label.getName())) == null)
            .map(TaskLabel::getName)
            .toList();
    if (!dropped.isEmpty()) {
      say("drops the " + field + " of " + Rendering.some(dropped));
    }
  }

  private void say(String what) {
    losses.add(before.getTaskId() + ": " + Rendering.oneLine(what));
  }
}
