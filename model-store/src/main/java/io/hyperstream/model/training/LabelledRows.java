package io.hyperstream.model.training;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Examples made fit to learn from: one per text, with the label most of its copies have; texts
 * whose copies contradict each other evenly, and labels the task does not have, are left out.
 *
 * @param examples what is left, in the order of first appearance
 * @param duplicates copies that were merged
 * @param contradictions texts that had several labels
 * @param unknownLabels examples whose label the task does not have
 * @param missingLabels labels of the task without an example
 */
record LabelledRows(
    List<Example> examples,
    int duplicates,
    int contradictions,
    int unknownLabels,
    List<String> missingLabels) {

  static LabelledRows of(TaskDefinition task, List<Example> examples) {
    Set<String> labels = new HashSet<>();
    task.labels().stream().map(Label::name).forEach(labels::add);
    Map<String, List<Example>> byText = new LinkedHashMap<>();
    int unknown = 0;
    for (Example example : examples) {
      if (labels.contains(example.label())) {
        byText.computeIfAbsent(key(example), k -> new ArrayList<>()).add(example);
      } else {
        unknown++;
      }
    }
    List<Example> kept = new ArrayList<>();
    int duplicates = 0;
    int contradictions = 0;
    for (List<Example> copies : byText.values()) {
      Map<String, Integer> votes = new HashMap<>();
      copies.forEach(copy -> votes.merge(copy.label(), 1, Integer::sum));
      contradictions += votes.size() > 1 ? 1 : 0;
      int most = votes.values().stream().max(Integer::compare).orElseThrow();
      List<Example> winners =
          copies.stream().filter(copy -> votes.get(copy.label()) == most).toList();
      if (winners.stream().map(Example::label).distinct().count() == 1) {
        kept.add(winners.get(0));
        duplicates += copies.size() - 1;
      }
    }
    Set<String> present = new HashSet<>();
    kept.forEach(example -> present.add(example.label()));
    List<String> missing =
        task.labels().stream().map(Label::name).filter(l -> !present.contains(l)).toList();
    return new LabelledRows(kept, duplicates, contradictions, unknown, missing);
  }

  /** How many examples each label has that has any, in the order of first appearance. */
  Map<String, Integer> perLabel() {
    Map<String, Integer> out = new LinkedHashMap<>();
    examples.forEach(example -> out.merge(example.label(), 1, Integer::sum));
    return out;
  }

  /** [examples] the place of each one's label in the task's labels. */
  int[] answers(TaskDefinition task) {
    Map<String, Integer> places = new HashMap<>();
    task.labels().forEach(label -> places.put(label.name(), places.size()));
    return examples.stream().mapToInt(example -> places.get(example.label())).toArray();
  }

  /** Why none of so many examples is left, in a sentence. */
  String nothingUsable(TaskDefinition task, int of) {
    return ("none of %d examples of task '%s' can be used:"
            + " %d have labels it does not have, %d texts contradict themselves")
        .formatted(of, task.taskId(), unknownLabels, contradictions);
  }

  /** What makes two examples the same text. */
  static String key(Example example) {
    return normal(example.text())
        + '\u0000'
        + example.textPair().map(LabelledRows::normal).orElse("");
  }

  private static String normal(String text) {
    return text.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
  }
}
