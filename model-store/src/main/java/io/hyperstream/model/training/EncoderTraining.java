package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.LabelVectors;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A frozen encoder whose adapters are trained so that a text comes to lie near its label, and near
 * other texts of it. It answers as serving does without examples: with the label whose vector is
 * nearest, both under the task's adapters.
 */
final class EncoderTraining extends TrainingModel {
  /** Most labels of one batch: those of its rows, and others at random. */
  static final int MAX_LABELS = 24;

  /** What the loss against the batch's other rows counts. */
  static final double PROTOTYPE_WEIGHT = 0.5;

  /** What cosines to means of other rows are multiplied with. */
  static final double PROTOTYPE_SCALE = 16;

  private static final int LABELS_AT_ONCE = 64;

  private final FamilyModel model;
  private final LabelReadout readout;
  private final Map<String, LabelVectors> labels = new LinkedHashMap<>();

  private EncoderTraining(
      NDManager manager,
      FamilyModel model,
      LabelReadout readout,
      ModelSource source,
      TrainableSource adapters,
      List<TaskData> tasks) {
    super(manager, model.backbone().shape(), List.of(), source.adapters(), adapters);
    this.model = model;
    this.readout = readout;
    for (TaskData data : tasks) {
      boolean pairs = data.task().template().needsPair();
      labels.put(data.task().taskId(), readout.vectors(data.task(), pairs).orElseThrow());
    }
  }

  /**
   * @throws IllegalArgumentException if other weights than those of adapters are to be trained, or
   *     a task cannot be learnt so
   */
  static EncoderTraining open(ModelSource source, List<TaskData> tasks, Trainable trainable)
      throws IOException {
    if (trainable.backbone() || trainable.lmHead()) {
      throw new IllegalArgumentException(
          "of an encoder only adapters are trained; its own weights stay as they are");
    }
    for (TaskData data : tasks) {
      if (!source.family().objective().learns(data.task().kind())) {
        throw new IllegalArgumentException(
            "task '%s' is of kind %s; an encoder learns CLASSIFICATION only"
                .formatted(data.task().taskId(), data.task().kind()));
      }
    }
    NDManager manager = Ops.newManager();
    FamilyModel model = null;
    try {
      model =
          source
              .family()
              .open(
                  source.folder(), source.backbone(), Optional.empty(), options(Integer.MAX_VALUE));
      TrainableSource adapters =
          new TrainableSource(
              source.adapterWeights(), name -> trainable.includes(name, false), manager);
      return new EncoderTraining(manager, model, model.labels(), source, adapters, tasks);
    } catch (IOException | RuntimeException | Error e) {
      if (model != null) {
        model.close();
      }
      manager.close();
      throw e;
    }
  }

  /** To read texts of at most so many tokens; nothing is written. */
  static ReadoutOptions options(int maxTokens) {
    return new ReadoutOptions(maxTokens, 2, 1, 1, 1 << 20, Precision.F32);
  }

  private Encoded encode(List<TokenSequence> inputs, AdapterHook hook) {
    Backbone backbone = model.backbone();
    return backbone.encode(TokenBatch.of(backbone, inputs), hook);
  }

  /**
   * The mean over the rows of the cross entropy over labels, as serving scores them, and half of
   * that over the means of the batch's other rows. A batch must be of one task.
   */
  @Override
  NDArray loss(TrainingBatch batch, double smoothing, double dropout) {
    String task = batch.tasks().get(0);
    if (!batch.tasks().stream().allMatch(task::equals)) {
      throw new IllegalArgumentException("an encoder learns one task per batch");
    }
    try (Hook made = hook(batch.adapters())) {
      AdapterHook hook = dropout > 0 ? new DropoutHook(made.adapters(), dropout) : made.adapters();
      LabelVectors vectors = labels.get(task);
      int[] asked = labels(batch, vectors.labels());
      int[] answers =
          Arrays.stream(batch.targets())
              .mapToInt(target -> Arrays.binarySearch(asked, target[0]))
              .toArray();
      NDArray rows = vectors.rows(encode(batch.inputs(), hook)); // [B, d]
      NDArray scores = vectors.score(rows, asked, hook); // [B, L]
      NDManager arrays = model.backbone().manager();
      float[] weights = new float[answers.length];
      Arrays.fill(weights, 1f / weights.length);
      long[] index = Arrays.stream(answers).asLongStream().toArray();
      NDArray named =
          Losses.candidates(scores, arrays.create(index), arrays.create(weights), smoothing);
      return Losses.leaveOneOut(rows, answers, asked.length, PROTOTYPE_SCALE)
          .map(others -> named.add(Ops.mul(others, (float) PROTOTYPE_WEIGHT)))
          .orElse(named);
    }
  }

  /** The labels a batch chooses from, ascending. */
  private static int[] labels(TrainingBatch batch, int count) {
    if (count <= MAX_LABELS) {
      return IntStream.range(0, count).toArray();
    }
    TreeSet<Integer> chosen = new TreeSet<>();
    for (int[] target : batch.targets()) {
      chosen.add(target[0]);
    }
    List<Integer> others =
        IntStream.range(0, count)
            .filter(label -> !chosen.contains(label))
            .boxed()
            .collect(Collectors.toList());
    Collections.shuffle(others, new Random(Seeds.mix(batch.seed(), "labels")));
    chosen.addAll(others.subList(0, Math.max(0, MAX_LABELS - chosen.size())));
    return chosen.stream().mapToInt(Integer::intValue).toArray();
  }

  @Override
  long summed(TrainingBatch batch) {
    return 1;
  }

  @Override
  Answers answers(TaskData data) {
    float[][] vectors = labelVectors(data.task().taskId());
    return inputs ->
        Arrays.stream(cosines(data.task().taskId(), vectors, inputs))
            .mapToDouble(EncoderTraining::largest)
            .toArray();
  }

  /** [rows][labels], what serving takes the softmax of. */
  double[][] scores(TaskData data, List<TokenSequence> inputs) {
    String task = data.task().taskId();
    double scale = labels.get(task).scale();
    return Arrays.stream(cosines(task, labelVectors(task), inputs))
        .map(row -> Arrays.stream(row).map(cosine -> scale * cosine).toArray())
        .toArray(double[][]::new);
  }

  private float[][] labelVectors(String task) {
    LabelVectors vectors = labels.get(task);
    float[][] out = new float[vectors.labels()][];
    for (int from = 0; from < out.length; from += LABELS_AT_ONCE) {
      int to = Math.min(out.length, from + LABELS_AT_ONCE);
      try (NDScope scope = Ops.scope();
          Hook hook = hook(List.of(task))) {
        scope.suppressNotUsedWarning();
        NDArray some = vectors.of(IntStream.range(from, to).toArray(), hook.adapters());
        System.arraycopy(Encoded.rows(some), 0, out, from, to - from);
      }
    }
    return out;
  }

  private double[][] cosines(String task, float[][] vectors, List<TokenSequence> inputs) {
    try (NDScope scope = Ops.scope();
        Hook hook = hook(Collections.nCopies(inputs.size(), task))) {
      scope.suppressNotUsedWarning();
      float[][] rows = Encoded.rows(labels.get(task).rows(encode(inputs, hook.adapters())));
      double[][] out = new double[rows.length][vectors.length];
      for (int row = 0; row < rows.length; row++) {
        for (int label = 0; label < vectors.length; label++) {
          for (int i = 0; i < rows[row].length; i++) {
            out[row][label] += (double) rows[row][i] * vectors[label][i];
          }
        }
      }
      return out;
    }
  }

  private static int largest(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  @Override
  public void close() {
    readout.close();
    super.close();
    model.close();
  }
}
