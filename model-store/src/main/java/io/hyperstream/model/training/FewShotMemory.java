package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.task.TaskDefinition;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a model makes of one task's texts under each of the starts it knows. A text is encoded once
 * per start, however often the task is adapted and measured; it stays as long as this does. One
 * thread.
 */
public final class FewShotMemory {
  /** The start that is no task: the mean of all. */
  static final String MEAN = "mean";

  private record Text(String text, Optional<String> textPair) {
    static Text of(Example example) {
      return new Text(example.text(), example.textPair());
    }
  }

  private record Pass(double[] scores, float[] pooled) {}

  private final FewShotModel model;
  private final TaskDefinition task;
  private final CandidateScorer scorer;
  private final Map<String, float[]> starts;
  private final Map<String, Map<Text, Pass>> passes = new HashMap<>();
  private final Map<Text, LexicalVector> words = new HashMap<>();

  /**
   * @throws IllegalArgumentException if the model has no hypernetwork, or knows no task
   */
  public FewShotMemory(FewShotModel model, TaskDefinition task) {
    this.model = model;
    this.task = task;
    scorer = model.scorer(task);
    starts = starts(model.knownEmbeddings());
  }

  /** Known embeddings and their mean. */
  private static Map<String, float[]> starts(Map<String, float[]> known) {
    if (known.isEmpty()) {
      throw new IllegalArgumentException(
          "this model knows no task whose embedding could be a start");
    }
    Map<String, float[]> starts = new LinkedHashMap<>(known);
    float[] mean = new float[known.values().iterator().next().length];
    for (float[] embedding : known.values()) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += embedding[i] / known.size();
      }
    }
    starts.put(MEAN, mean);
    return starts;
  }

  FewShotModel model() {
    return model;
  }

  TaskDefinition task() {
    return task;
  }

  CandidateScorer scorer() {
    return scorer;
  }

  /** Names of the starts. */
  Collection<String> starts() {
    return starts.keySet();
  }

  /**
   * The embedding of a start, not to be changed.
   *
   * @throws IllegalArgumentException if there is no such start
   */
  float[] embedding(String start) {
    float[] embedding = starts.get(start);
    if (embedding == null) {
      throw new IllegalArgumentException(
          "there is no start '" + start + "'; the model knows " + starts.keySet());
    }
    return embedding;
  }

  /** The start an embedding is, unless it was tuned. */
  Optional<String> startOf(float[] embedding) {
    return starts.entrySet().stream()
        .filter(start -> Arrays.equals(start.getValue(), embedding))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** Scores and pooled states under a start. */
  FewShotModel.Outputs outputs(String start, List<Example> examples) {
    Map<Text, Pass> known = passes.computeIfAbsent(start, name -> new HashMap<>());
    Set<Text> missing = new LinkedHashSet<>();
    List<Example> missingExamples =
        examples.stream()
            .filter(
                example -> !known.containsKey(Text.of(example)) && missing.add(Text.of(example)))
            .toList();
    if (!missing.isEmpty()) {
      try (AdapterWeights weights = model.factory().generate(List.of(embedding(start))).get(0)) {
        FewShotModel.Outputs fresh = model.run(weights, inputs(missingExamples), scorer);
        int i = 0;
        for (Text text : missing) {
          known.put(text, new Pass(fresh.scores()[i], fresh.pooled()[i]));
          i++;
        }
      }
    }
    List<Pass> found = examples.stream().map(example -> known.get(Text.of(example))).toList();
    return new FewShotModel.Outputs(
        found.stream().map(Pass::scores).toArray(double[][]::new),
        found.stream().map(Pass::pooled).toArray(float[][]::new));
  }

  int[][] inputs(List<Example> examples) {
    return TaskData.inputs(task, examples, model.tokenizer(), model.maxSource());
  }

  LexicalVector words(Example example) {
    return words.computeIfAbsent(
        Text.of(example), text -> model.lexical().of(text.text(), text.textPair()));
  }
}
