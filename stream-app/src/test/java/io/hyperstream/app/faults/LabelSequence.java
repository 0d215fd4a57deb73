package io.hyperstream.app.faults;

import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * An endless, reproducible sequence of labels for a few tasks: new examples, repeated labels,
 * changed labels, removed labels. Label {@code n} depends on the seed and {@code n} only, so what
 * the examples must be after so many labels is known.
 */
final class LabelSequence {
  private static final int TASKS = 3;

  /** They say nothing of the texts: without examples the model can only guess. */
  private static final List<String> LABELS = List.of("desk-1", "desk-2");

  private static final List<List<String>> SENTENCES =
      List.of(
          List.of("may I keep volume %d longer", "the fine for book %d is wrong"),
          List.of("is room %d free today", "the lamp in room %d is broken"));

  private final long seed;
  private final int maxExamplesPerLabel;

  /** No example is evicted, so all must be there. */
  LabelSequence(long seed) {
    this(seed, 1_000);
  }

  LabelSequence(long seed, int maxExamplesPerLabel) {
    this.seed = seed;
    this.maxExamplesPerLabel = maxExamplesPerLabel;
  }

  /**
   * Definitions; they adapt often, and promote leniently, so that there are many versions. With a
   * model that has a hypernetwork the first may tune its embedding, which takes a while and can be
   * killed in the midst of it.
   */
  List<TaskDefinition> tasks() {
    AdaptationPolicy.Builder policy =
        AdaptationPolicy.newBuilder()
            .setTriggerExamples(8)
            .setMaxExamplesPerLabel(maxExamplesPerLabel)
            .setPromotionProbability(0.5)
            .setTuneWeights(false);
    return IntStream.range(0, TASKS)
        .mapToObj(
            task ->
                TaskDefinition.newBuilder()
                    .setTaskId("taught-" + task)
                    .setKind(TaskKind.CLASSIFICATION)
                    .setLabels(
                        LABELS.stream().map(name -> new TaskLabel(name, null, null)).toList())
                    .setAdaptation(
                        policy
                            .setMethod(
                                task == 0 ? AdaptationMethod.AUTO : AdaptationMethod.PROTOTYPES)
                            .build())
                    .build())
        .toList();
  }

  LabelEvent event(int number) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + number);
    int draw = random.nextInt(20);
    // An earlier example is repeated, changed or removed; never one of the first ones.
    int about = draw < 4 && number > 40 ? number - 1 - random.nextInt(30) : number;
    int label = new SplittableRandom(seed + about).nextInt(LABELS.size());
    List<String> forms = SENTENCES.get(label);
    String said = draw == 0 ? LABELS.get(1 - label) : LABELS.get(label);
    return LabelEvent.newBuilder()
        .setTaskId("taught-" + about % TASKS)
        .setText(forms.get(about % forms.size()).formatted(about))
        .setLabel(about != number && draw == 1 ? null : said)
        .setSource("label-sequence")
        .setCreatedAt(Instant.ofEpochMilli(1_700_000_000_000L + number))
        .build();
  }

  /** How many examples each task must have after the first so many labels. */
  Map<String, Integer> examplesAfter(int labels) {
    Map<String, Set<String>> texts = new TreeMap<>();
    for (int number = 0; number < labels; number++) {
      LabelEvent event = event(number);
      Set<String> ofTask = texts.computeIfAbsent(event.getTaskId(), id -> new HashSet<>());
      if (event.getLabel() == null) {
        ofTask.remove(event.getText());
      } else {
        ofTask.add(event.getText());
      }
    }
    Map<String, Integer> examples = new TreeMap<>();
    texts.forEach((taskId, known) -> examples.put(taskId, known.size()));
    return examples;
  }
}
