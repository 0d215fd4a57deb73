package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.HalfFloats;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.task.TaskDefinition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a model makes of one task's texts under each of the starts it knows. A text is encoded once
 * per start, however often the task is adapted and measured; it stays as long as this does, or
 * until {@link #keepOnly}. Vectors that are worth keeping elsewhere ({@link #keepsVectors}) are
 * rounded to half precision, so that kept ones give the same results. One thread.
 */
public final class FewShotMemory {
  /** So many of about the same length make a product of their own under each start. */
  private static final int TEXTS_TOGETHER = 4;

  private record Text(String text, Optional<String> textPair) {
    static Text of(Example example) {
      return new Text(example.text(), example.textPair());
    }
  }

  /**
   * @param seconds it took, its share of the batch
   */
  private record Pass(double[] scores, float[] vector, double seconds) {}

  private final FewShotModel model;
  private final TaskDefinition task;
  private final Map<String, AdapterForm> starts;
  private final Map<String, Map<Text, Pass>> passes = new HashMap<>();
  private final Map<String, Map<Text, float[]>> unscored = new HashMap<>(); // of remember
  private final Map<Text, LexicalVector> words = new HashMap<>();
  private final Map<String, Set<Text>> asked = new HashMap<>();
  private double spared;

  public FewShotMemory(FewShotModel model, TaskDefinition task) {
    this.model = model;
    this.task = task;
    starts = model.starts();
  }

  /** What serves a task that nobody has seen before any version: version 0. */
  public TaskAdapter initialAdapter() {
    return new TaskAdapter(task.taskId(), 0, model.initialAdapter());
  }

  FewShotModel model() {
    return model;
  }

  /** Whose texts these are. */
  public TaskDefinition task() {
    return task;
  }

  /** Names of the starts. */
  Collection<String> starts() {
    return starts.keySet();
  }

  /**
   * The adapters of a start.
   *
   * @throws IllegalArgumentException if there is no such start
   */
  AdapterForm form(String start) {
    AdapterForm form = starts.get(start);
    if (form == null) {
      throw new IllegalArgumentException(
          "there is no start '" + start + "'; the model knows " + starts.keySet());
    }
    return form;
  }

  /** The embedding of a start, not to be changed; empty for the bare backbone. */
  float[] embedding(String start) {
    return form(start) instanceof AdapterForm.Embedding embedding
        ? embedding.values()
        : new float[0];
  }

  /** The start that adapters are, unless they were tuned. */
  Optional<String> startOf(AdapterForm form) {
    return starts.entrySet().stream()
        .filter(start -> equal(start.getValue(), form))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static boolean equal(AdapterForm a, AdapterForm b) {
    if (a instanceof AdapterForm.Embedding mine && b instanceof AdapterForm.Embedding theirs) {
      return Arrays.equals(mine.values(), theirs.values());
    }
    return a.equals(b);
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

  /** Whether vectors are worth keeping: all else that is known of a text is read off its vector. */
  public boolean keepsVectors() {
    return model.scoresVectors();
  }

  /** What vectors depend on beside the model, the start and the text; they fit no other. */
  public String vectorSettings() {
    return "%s, %s, %s, %s"
        .formatted(
            model.rows().settings(),
            task.overLength(),
            task.templateOf(false).pattern(),
            task.templateOf(true).pattern());
  }

  /**
   * Takes a vector that an earlier memory of the same model and task, with the same {@link
   * #vectorSettings}, made of an example's text. What is known already stays. Does nothing unless
   * {@link #keepsVectors}.
   *
   * @param start under which it was made
   */
  public void remember(String start, Example example, float[] vector) {
    Text text = Text.of(example);
    if (keepsVectors()
        && starts.containsKey(start)
        && !passes.getOrDefault(start, Map.of()).containsKey(text)) {
      unscored.computeIfAbsent(start, name -> new HashMap<>()).put(text, HalfFloats.round(vector));
    }
  }

  /** What is known of an example's text under a start, not to be changed. */
  public Optional<float[]> vector(String start, Example example) {
    return Optional.ofNullable(passes.getOrDefault(start, Map.of()).get(Text.of(example)))
        .map(Pass::vector);
  }

  /** Scores and pooled states under a start. */
  FewShotModel.Outputs outputs(String start, List<Example> examples) {
    run(List.of(start), examples, () -> {});
    List<Pass> found =
        examples.stream().map(example -> passes.get(start).get(Text.of(example))).toList();
    return new FewShotModel.Outputs(
        found.stream().map(Pass::scores).toArray(double[][]::new),
        found.stream().map(Pass::vector).toArray(float[][]::new),
        model.rows());
  }

  /** A text under a start, of which nothing is known yet. */
  private record Missing(String start, Text text, RowInput input) {}

  /**
   * Sees to it that {@link #outputs} of these starts are known.
   *
   * @param eachBatch called before every pass through the model; what it throws ends this, and what
   *     was run until then is known
   */
  void run(Collection<String> of, List<Example> examples, Runnable eachBatch) {
    for (String start : of) {
      Map<Text, Pass> known = passes.computeIfAbsent(start, name -> new HashMap<>());
      Set<Text> now = asked.computeIfAbsent(start, name -> new HashSet<>());
      for (Example example : examples) {
        Text text = Text.of(example);
        if (now.add(text) && known.containsKey(text)) {
          spared += known.get(text).seconds();
        }
      }
    }
    of.forEach(start -> score(start, examples));
    List<Missing> missing = missing(of, examples);
    if (missing.isEmpty()) {
      return;
    }
    List<String> names = missing.stream().map(Missing::start).distinct().toList();
    Map<String, AdapterWeights> weights = model.startWeights(names, starts);
    try {
      for (int from = 0; from < missing.size(); from += FewShotModel.MAX_ROWS) {
        eachBatch.run();
        int to = Math.min(from + FewShotModel.MAX_ROWS, missing.size());
        List<Missing> part = missing.subList(from, to);
        long begun = System.nanoTime();
        List<AdapterWeights> ofPart = part.stream().map(one -> weights.get(one.start())).toList();
        FewShotModel.Outputs fresh =
            model.run(
                ofPart,
                part.stream().map(Missing::input).toList(),
                keepsVectors() ? Optional.empty() : Optional.of(task));
        float[][] vectors = fresh.vectors();
        double[][] scores = fresh.scores();
        if (keepsVectors()) {
          vectors = Arrays.stream(vectors).map(HalfFloats::round).toArray(float[][]::new);
          scores = model.scores(ofPart, vectors, task);
        }
        double each = (System.nanoTime() - begun) / 1e9 / part.size();
        for (int i = 0; i < part.size(); i++) {
          passes
              .get(part.get(i).start())
              .put(part.get(i).text(), new Pass(scores[i], vectors[i], each));
        }
      }
    } finally {
      model.release(weights);
    }
  }

  /** Scores what was remembered of these examples, without encoding their texts. */
  private void score(String start, List<Example> examples) {
    Map<Text, float[]> known = unscored.getOrDefault(start, Map.of());
    List<Text> texts =
        examples.stream().map(Text::of).distinct().filter(known::containsKey).toList();
    if (texts.isEmpty()) {
      return;
    }
    Map<String, AdapterWeights> weights = model.startWeights(List.of(start), starts);
    try {
      float[][] vectors = texts.stream().map(known::remove).toArray(float[][]::new);
      double[][] scores =
          model.scores(Collections.nCopies(vectors.length, weights.get(start)), vectors, task);
      for (int i = 0; i < vectors.length; i++) {
        passes.get(start).put(texts.get(i), new Pass(scores[i], vectors[i], 0));
      }
    } finally {
      model.release(weights);
    }
  }

  /** Texts of about the same length together, and of those one start's together. */
  private List<Missing> missing(Collection<String> of, List<Example> examples) {
    List<Example> some =
        new ArrayList<>(
            examples.stream()
                .filter(
                    example ->
                        of.stream()
                            .anyMatch(start -> !passes.get(start).containsKey(Text.of(example))))
                .collect(Collectors.toMap(Text::of, one -> one, (a, b) -> a, LinkedHashMap::new))
                .values());
    List<RowInput> inputs = model.inputs(task, some);
    Integer[] order = FewShotModel.byLength(inputs);
    List<Missing> missing = new ArrayList<>();
    int together = of.size() == 1 ? order.length : TEXTS_TOGETHER;
    for (int from = 0; from < order.length; from += together) {
      for (String start : of) {
        for (int i = from; i < Math.min(from + together, order.length); i++) {
          Text text = Text.of(some.get(order[i]));
          if (!passes.get(start).containsKey(text)) {
            missing.add(new Missing(start, text, inputs.get(order[i])));
          }
        }
      }
    }
    return missing;
  }

  /** How many texts, over all starts. */
  int known() {
    return passes.values().stream().mapToInt(Map::size).sum();
  }

  /** Forgets all other texts. */
  public void keepOnly(Collection<Example> examples) {
    Set<Text> texts = examples.stream().map(Text::of).collect(Collectors.toSet());
    passes.values().forEach(known -> known.keySet().retainAll(texts));
    unscored.values().forEach(known -> known.keySet().retainAll(texts));
    words.keySet().retainAll(texts);
  }

  /**
   * What a version of the task answers: the probabilities of its labels, [rows][labels]. The
   * examples' own labels are not looked at.
   *
   * @throws io.hyperstream.model.checkpoint.CheckpointException if it is not of this model
   */
  double[][] answers(TaskAdapter version, List<Example> examples) {
    return startOf(version.form())
        .map(start -> answers(start, version.head(), examples))
        .orElseGet(() -> model.predict(task, version, examples));
  }

  /** The same of a version whose adapters are a start's. */
  double[][] answers(String start, Optional<LabelHead> head, List<Example> examples) {
    FewShotModel.Outputs outputs = outputs(start, examples);
    return IntStream.range(0, examples.size())
        .mapToObj(i -> outputs.probabilities(task, head, i, words(examples.get(i))))
        .toArray(double[][]::new);
  }

  LexicalVector words(Example example) {
    return words.computeIfAbsent(
        Text.of(example), text -> model.lexical().of(text.text(), text.textPair()));
  }
}
