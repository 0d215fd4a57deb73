package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.task.TaskDefinition;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

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

  /**
   * @param seconds it took, its share of the batch
   */
  private record Pass(double[] scores, float[] pooled, double seconds) {}

  private final FewShotModel model;
  private final TaskDefinition task;
  private final CandidateScorer scorer;
  private final Map<String, float[]> starts;
  private final Map<String, Map<Text, Pass>> passes = new HashMap<>();
  private final Map<Text, LexicalVector> words = new HashMap<>();
  private final Map<String, Set<Text>> asked = new HashMap<>();
  private double spared;

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

  /** What serves the task before any version: version 0, the mean of the known tasks. */
  public TaskAdapter ownStart() {
    return new TaskAdapter(task.taskId(), 0, new AdapterForm.Embedding(embedding(MEAN)));
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

  /** From here on {@link #sparedSeconds} counts anew. */
  void begin() {
    asked.clear();
    spared = 0;
  }

  /** What the passes would have taken that were remembered from before {@link #begin}. */
  double sparedSeconds() {
    return spared;
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
    Set<Text> now = asked.computeIfAbsent(start, name -> new HashSet<>());
    for (Example example : examples) {
      Text text = Text.of(example);
      if (now.add(text) && known.containsKey(text)) {
        spared += known.get(text).seconds();
      }
    }
    if (!missing.isEmpty()) {
      long begun = System.nanoTime();
      try (AdapterWeights weights = model.factory().generate(List.of(embedding(start))).get(0)) {
        FewShotModel.Outputs fresh = model.run(weights, inputs(missingExamples), scorer);
        double each = (System.nanoTime() - begun) / 1e9 / missing.size();
        int i = 0;
        for (Text text : missing) {
          known.put(text, new Pass(fresh.scores()[i], fresh.pooled()[i], each));
          i++;
        }
      }
    }
    List<Pass> found = examples.stream().map(example -> known.get(Text.of(example))).toList();
    return new FewShotModel.Outputs(
        found.stream().map(Pass::scores).toArray(double[][]::new),
        found.stream().map(Pass::pooled).toArray(float[][]::new));
  }

  /** What a version answers whose adapters are a start's: [rows][labels]. */
  double[][] answers(String start, Optional<LabelHead> head, List<Example> examples) {
    FewShotModel.Outputs outputs = outputs(start, examples);
    return IntStream.range(0, examples.size())
        .mapToObj(i -> outputs.probabilities(task, head, i, words(examples.get(i))))
        .toArray(double[][]::new);
  }

  int[][] inputs(List<Example> examples) {
    return TaskData.inputs(task, examples, model.tokenizer(), model.maxSource());
  }

  LexicalVector words(Example example) {
    return words.computeIfAbsent(
        Text.of(example), text -> model.lexical().of(text.text(), text.textPair()));
  }
}
