package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.inference.TinyFolder;
import io.hyperstream.model.readout.LabelVectors;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ImportOptions;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.FewShotTrainer.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Training adapters for a frozen encoder")
class EncoderTrainingTest {
  private static final double SMOOTHING = 0.05;
  private static final List<String> WORDS =
      List.of("1", "2", "3", "a", "the", "day", "night", "good", "bad", "sun", "moon");

  @TempDir Path folder;
  private Path encoder;
  private boolean recording;

  @BeforeEach
  void write() throws Exception {
    TinyFolder bert = TinyFolder.bert();
    // Invented norms add about 1 to every number, which makes all vectors alike.
    for (String norm :
        List.of(
            "embeddings",
            "encoder.layer.0.attention.output",
            "encoder.layer.0.output",
            "encoder.layer.1.attention.output",
            "encoder.layer.1.output")) {
      for (int i = 0; i < 16; i++) {
        bert.value(norm + ".LayerNorm.bias", i, 0);
      }
    }
    encoder = bert.writeTo(Files.createDirectory(folder.resolve("encoder")));
    recording = Ops.setRecording(true);
  }

  @AfterEach
  void restore() {
    Ops.setRecording(recording);
  }

  /** What one word decides, in texts of a few words. */
  private List<TaskData> tasks() throws Exception {
    try (LoadedModel model = loaded(encoder, Optional.empty())) {
      RowEncoder rows = model.family().rows();
      return List.of(
          data(TaskDefinition.classification("sky", List.of("day", "night")), SKY, rows),
          data(
              pairs(),
              List.of(
                  pair("good 1", "good", "1"),
                  pair("good 2", "the good", "1"),
                  pair("bad", "bad .", "1"),
                  pair("bad", "good", "2"),
                  pair("a good", "bad", "2"),
                  pair("the good", "bad 1", "2")),
              rows),
          data(
              TaskDefinition.classification("many", twoWords(30)),
              twoWords(30).stream().map(words -> Example.of(words + " .", words)).toList(),
              rows));
    }
  }

  private static final List<Example> SKY =
      List.of(
          Example.of("the sun", "day"),
          Example.of("a sun .", "day"),
          Example.of("1 2 sun", "day"),
          Example.of("sun 3", "day"),
          Example.of("moon", "night"),
          Example.of("the moon", "night"),
          Example.of("3 a moon", "night"),
          Example.of("moon 2 .", "night"));

  private static TaskDefinition pairs() {
    TaskDefinition one = TaskDefinition.classification("same", List.of("1", "2"));
    return new TaskDefinition(
        one.taskId(),
        one.kind(),
        one.labels(),
        Template.PAIR,
        Template.PAIR,
        "",
        one.overLength(),
        one.scoring(),
        List.of());
  }

  private static Example pair(String text, String second, String label) {
    return new Example(text, Optional.of(second), label);
  }

  private static List<String> twoWords(int count) {
    List<String> out = new ArrayList<>();
    for (String first : WORDS) {
      WORDS.forEach(second -> out.add(first + " " + second));
    }
    Collections.shuffle(out, new Random(1));
    return out.subList(0, count);
  }

  private static TaskData data(TaskDefinition task, List<Example> examples, RowEncoder rows) {
    TaskData.Rows encoded = TaskData.encode(task, examples, rows);
    return new TaskData(task, List.of(Metric.ACCURACY), encoded, encoded, encoded);
  }

  private static LoadedModel loaded(Path backbone, Optional<Path> hypernetwork) throws Exception {
    return LoadedModel.open(backbone, hypernetwork, Optional.empty(), EncoderTraining.options(40));
  }

  private ModelSource source(Preset preset, List<TaskData> tasks, long seed) throws Exception {
    List<String> names = tasks.stream().map(data -> data.task().taskId()).toList();
    ModelSource backbone = ModelSource.backbone(encoder);
    return backbone.withAdapters(preset.encoderAdapters(names, 4, 1).orElseThrow(), seed);
  }

  private static TrainingOptions options(int steps, double rate, long seed) {
    return new TrainingOptions(
        Trainable.ADAPTERS,
        AdamW.Config.paper(),
        Schedule.linear(rate, 2, steps),
        steps,
        8,
        0,
        1,
        2,
        false,
        SMOOTHING,
        0,
        Math.max(1, steps / 3),
        1,
        0,
        seed,
        1);
  }

  private static TrainingBatch batch(TaskData data, String adapters, int... rows) {
    return new TrainingBatch(
        Collections.nCopies(rows.length, data.task().taskId()),
        Collections.nCopies(rows.length, adapters),
        IntStream.of(rows).mapToObj(data.train().inputs()::get).toList(),
        IntStream.of(rows).mapToObj(row -> data.train().targets()[row]).toArray(int[][]::new),
        3);
  }

  private static double loss(EncoderTraining model, TrainingBatch batch) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      return model.loss(batch, SMOOTHING, 0).getFloat();
    }
  }

  @Test
  @DisplayName("the loss is what a calculation by hand makes of the model's vectors")
  void lossByHand() throws Exception {
    List<TaskData> tasks = tasks();
    for (int of : new int[] {0, 1}) {
      TaskData data = tasks.get(of);
      int[] rows = of == 0 ? new int[] {0, 1, 3, 4, 6} : new int[] {0, 1, 3, 4};
      ModelSource source = source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 2);
      double ours;
      double lonely;
      try (EncoderTraining model = EncoderTraining.open(source, tasks, Trainable.ADAPTERS)) {
        ours = loss(model, batch(data, data.task().taskId(), rows));
        lonely = loss(model, batch(data, data.task().taskId(), rows[0], rows[3]));
      }
      double[][] texts = vectors(source, data, rows, false);
      double[][] labels = vectors(source, data, new int[] {0, 1}, true);
      int[] y = IntStream.of(rows).map(row -> data.train().labels()[row]).toArray();
      double scale = of == 0 ? 25 : 7;
      double expected = byName(texts, labels, y, scale) + 0.5 * byOthers(texts, y);
      assertThat(ours).isCloseTo(expected, within(1e-3));
      // One row of each label: nothing to compare with but names.
      assertThat(lonely)
          .isCloseTo(
              byName(new double[][] {texts[0], texts[3]}, labels, new int[] {y[0], y[3]}, scale),
              within(1e-3));
    }
  }

  /** Row or label vectors under the adapters of a task, as serving makes them. */
  private double[][] vectors(ModelSource source, TaskData data, int[] which, boolean labels)
      throws Exception {
    Ops.setRecording(false);
    try (LoadedModel model = loaded(encoder, Optional.empty());
        var factory =
            io.hyperstream.model.hyper.AdapterFactory.load(
                source.shape(), source.adapters().orElseThrow(), source.adapterWeights());
        var readout = model.family().labels();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      float[] embedding = factory.taskEmbeddings().get(data.task().taskId());
      AdapterWeights weights = factory.generate(List.of(embedding)).get(0);
      BatchAdapters hook = BatchAdapters.of(Collections.nCopies(which.length, weights));
      assertThat(hook.forKernels()).isPresent();
      LabelVectors vectors = readout.vectors(data.task(), false).orElseThrow();
      List<TokenSequence> rows =
          IntStream.of(which).mapToObj(row -> data.train().inputs().get(row)).toList();
      var backbone = model.family().backbone();
      NDArray out =
          labels
              ? vectors.of(which, hook)
              : vectors.rows(backbone.encode(TokenBatch.of(backbone, rows), hook));
      float[] flat = out.toFloatArray();
      int d = flat.length / which.length;
      double[][] made = new double[which.length][d];
      for (int i = 0; i < flat.length; i++) {
        made[i / d][i % d] = flat[i];
      }
      return made;
    } finally {
      Ops.setRecording(true);
    }
  }

  private static double byName(double[][] texts, double[][] labels, int[] y, double scale) {
    double sum = 0;
    for (int row = 0; row < texts.length; row++) {
      double[] scores = new double[labels.length];
      for (int label = 0; label < labels.length; label++) {
        scores[label] = scale * cosine(texts[row], labels[label]);
      }
      double mean = 0;
      for (int label = 0; label < labels.length; label++) {
        mean += logProbability(scores, label) / labels.length;
      }
      sum -= (1 - SMOOTHING) * logProbability(scores, y[row]) + SMOOTHING * mean;
    }
    return sum / texts.length;
  }

  private static double byOthers(double[][] texts, int[] y) {
    double sum = 0;
    for (int row = 0; row < texts.length; row++) {
      double[] scores = new double[2];
      for (int label = 0; label < 2; label++) {
        double[] others = new double[texts[0].length];
        for (int other = 0; other < texts.length; other++) {
          for (int i = 0; other != row && y[other] == label && i < others.length; i++) {
            others[i] += texts[other][i];
          }
        }
        scores[label] = 16 * cosine(texts[row], others);
      }
      sum -= logProbability(scores, y[row]);
    }
    return sum / texts.length;
  }

  private static double cosine(double[] a, double[] b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return ab / Math.sqrt(aa * bb);
  }

  private static double logProbability(double[] scores, int label) {
    double sum = 0;
    for (double score : scores) {
      sum += Math.exp(score - scores[label]);
    }
    return -Math.log(sum);
  }

  @Test
  @DisplayName("rows without a row of their label are not asked about, nor other labels forgotten")
  void leaveOneOut() {
    float[] rows = {1, 0, 0.8f, 0.6f, 0, 1, 0.6f, 0.8f, -1, 0}; // of labels 0, 0, 2, 2, 1
    int[] labels = {0, 0, 2, 2, 1};
    double expected = 0;
    double[][] unit = new double[5][2];
    for (int i = 0; i < 10; i++) {
      unit[i / 2][i % 2] = rows[i];
    }
    for (int row = 0; row < 4; row++) {
      double[] scores = new double[3];
      for (int label = 0; label < 3; label++) {
        double[] sum = new double[2];
        for (int other = 0; other < 5; other++) {
          for (int i = 0; other != row && labels[other] == label && i < 2; i++) {
            sum[i] += unit[other][i];
          }
        }
        scores[label] = 16 * cosine(unit[row], sum);
      }
      expected -= logProbability(scores, labels[row]) / 4;
    }
    try (NDManager manager = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray array = manager.create(rows, new ai.djl.ndarray.types.Shape(5, 2));
      assertThat(Losses.leaveOneOut(array, labels, 4, 16).orElseThrow().getFloat())
          .isCloseTo((float) expected, within(1e-3f));
      assertThat(Losses.leaveOneOut(array, new int[] {0, 0, 0, 1, 2}, 3, 16)).isEmpty();
    }
  }

  @Test
  @DisplayName("gradients of a task's and of the generic embedding are what finite differences say")
  void gradients() throws Exception {
    List<TaskData> tasks = tasks();
    ModelSource source = source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 2);
    for (String name : List.of("many", AdapterConfig.GENERIC)) {
      try (EncoderTraining model = EncoderTraining.open(source, tasks, Trainable.ADAPTERS)) {
        enlarge(model);
        TrainingBatch batch = batch(tasks.get(2), name, 0, 1, 2, 3, 4, 5);
        NDArray leaf = parameter(model, "task_embedding_controller.task_to_embeddings." + name);
        float[] gradient;
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          Autograd.backward(model.loss(batch, SMOOTHING, 0));
          gradient = Autograd.gradient(leaf).toFloatArray();
          assertThat(TrainingModel.participates(batch.adapters()))
              .accepts(parameterOf(model, name))
              .rejects(parameterOf(model, "sky"));
        }
        float[] values = leaf.toFloatArray();
        for (int place = 0; place < 5; place++) {
          float step = 1e-2f;
          double up = lossAt(model, batch, leaf, values, place, step);
          double down = lossAt(model, batch, leaf, values, place, -step);
          assertThat((up - down) / (2 * step))
              .isCloseTo(gradient[place], within(5e-4 + 0.05 * Math.abs(gradient[place])));
        }
        float largest = 0;
        for (float value : gradient) {
          largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest).isGreaterThan(5e-3f);
      }
    }
  }

  /** At the start adapters do next to nothing, and gradients of embeddings drown in rounding. */
  private static void enlarge(EncoderTraining model) {
    for (Parameter parameter : model.parameters()) {
      if (parameter.id().contains("up_sampler_hyper_net.weight_generator")) {
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          Autograd.assign(parameter.value(), Ops.mul(parameter.value(), 300));
        }
      }
    }
  }

  private static Parameter parameterOf(TrainingModel model, String task) {
    return model.parameters().stream()
        .filter(p -> p.task().equals(Optional.of(task)))
        .findFirst()
        .orElseThrow();
  }

  private static NDArray parameter(TrainingModel model, String id) {
    return model.parameters().stream()
        .filter(p -> p.id().equals(id))
        .findFirst()
        .orElseThrow()
        .value();
  }

  private static double lossAt(
      EncoderTraining model,
      TrainingBatch batch,
      NDArray leaf,
      float[] values,
      int place,
      float step) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      float[] moved = values.clone();
      moved[place] += step;
      Autograd.assign(leaf, leaf.getManager().create(moved));
      double loss = loss(model, batch);
      Autograd.assign(leaf, leaf.getManager().create(values));
      return loss;
    }
  }

  @Test
  @DisplayName("adapters start as almost nothing: the encoder answers as it would without")
  void nearIdentity() throws Exception {
    List<TaskData> tasks = tasks();
    ModelSource with = source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 2);
    double[][] started;
    try (EncoderTraining model = EncoderTraining.open(with, tasks, Trainable.ADAPTERS)) {
      started = model.scores(tasks.get(0), tasks.get(0).train().inputs());
    }
    try (EncoderTraining bare =
        EncoderTraining.open(ModelSource.backbone(encoder), tasks, Trainable.ADAPTERS)) {
      double[][] without = bare.scores(tasks.get(0), tasks.get(0).train().inputs());
      for (int row = 0; row < started.length; row++) {
        assertThat(started[row]).containsExactly(without[row], within(0.3));
        assertThat(started[row]).isNotEqualTo(without[row]);
      }
    }
  }

  @Test
  @DisplayName("adapters are scaled by what they add, and by nothing else")
  void scaled() throws Exception {
    List<TaskData> tasks = tasks();
    ModelSource source = source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 3);
    try (EncoderTraining model = EncoderTraining.open(source, tasks, Trainable.ADAPTERS)) {
      enlarge(model);
      Map<String, float[]> before = new HashMap<>();
      model.parameters().forEach(p -> before.put(p.names().get(0), p.value().toFloatArray()));
      model.scaleAdapters(0.25);
      for (Parameter parameter : model.parameters()) {
        String name = parameter.names().get(0);
        float by = name.contains("up_sampler") ? 0.25f : 1;
        float[] expected = before.get(name);
        for (int i = 0; i < expected.length; i++) {
          expected[i] *= by;
        }
        assertThat(parameter.value().toFloatArray())
            .as(name)
            .usingComparatorWithPrecision(1e-6f)
            .containsExactly(expected);
      }
    }
  }

  @Test
  @DisplayName("learns, and what it writes answers through serving as it did when it was measured")
  void learnsAndServes() throws Exception {
    List<TaskData> tasks = tasks().subList(0, 2);
    Path run = folder.resolve("run");
    var result =
        MultiTaskTrainer.train(
            source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 4),
            tasks,
            options(150, 3e-3, 4),
            run,
            TrainingListener.NONE);
    assertThat(result.finished()).isTrue();
    assertThat(result.best()).isEqualTo(1);
    assertThat(accuracyUntrained(tasks.get(0))).isLessThan(0.8);

    Path written = run.resolve(MultiTaskTrainer.MODEL);
    assertThat(written.resolve("backbone/model.safetensors"))
        .hasSameBinaryContentAs(encoder.resolve("model.safetensors"));
    ModelSource trained =
        ModelSource.backbone(written.resolve("backbone"))
            .withAdapters(written.resolve("hypernetwork"));
    var store = new FileModelStore(folder.resolve("store"));
    var stored = LoadedModel.importer(store).importFolder(written, ImportOptions.DEFAULT);
    try (EncoderTraining measured = EncoderTraining.open(trained, tasks, Trainable.ADAPTERS);
        MultiTaskModel serving = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      served(serving, measured, tasks.get(0), "the moon", Optional.empty(), 5);
      served(serving, measured, tasks.get(1), "a good", Optional.of("bad"), 4);

      // A task nobody has seen starts without adapters; its examples find those that suit it.
      TaskDefinition unseen = TaskDefinition.classification("unseen", List.of("day", "night"));
      assertThat(serving.startingAdapter(unseen).form()).isEqualTo(new AdapterForm.None());
      float[] generic =
          parameter(measured, "task_embedding_controller.task_to_embeddings.generic")
              .toFloatArray();
      try (FewShotModel fewShot = FewShotModel.open(stored)) {
        assertThat(fewShot.starts().keySet()).containsExactly("sky", "same", "generic", "bare");
        assertThat(fewShot.starts().get("generic"))
            .isInstanceOfSatisfying(
                AdapterForm.Embedding.class, form -> assertThat(form.values()).isEqualTo(generic));
        FewShotMemory memory = new FewShotMemory(fewShot, unseen);
        assertThat(memory.initialAdapter().form()).isEqualTo(new AdapterForm.None());
        startsFrom("sky", memory, SKY);
      }
    }
  }

  /** What explains left-out examples best is published, and answers as it did in the trial. */
  private static void startsFrom(String start, FewShotMemory memory, List<Example> examples) {
    try (FewShotCandidate candidate =
        new FewShotTrainer(memory.model()).train(memory, examples, Method.PROTOTYPES, 1)) {
      assertThat(candidate.report().start()).isEqualTo(start);
      FewShotVersion version = candidate.version();
      assertThat(version.withoutAdapters()).isFalse();
      TaskDefinition task = memory.task();
      TaskAdapter served = new TaskAdapter(task.taskId(), 1, version.adapters(), version.head());
      double[][] expected = candidate.predict(examples);
      double[][] actual = memory.model().predict(task, served, examples);
      for (int row = 0; row < expected.length; row++) {
        assertThat(actual[row]).containsExactly(expected[row], within(1e-3));
      }
    }
  }

  private double accuracyUntrained(TaskData data) throws Exception {
    try (EncoderTraining bare =
        EncoderTraining.open(ModelSource.backbone(encoder), List.of(data), Trainable.ADAPTERS)) {
      return new Evaluator(bare).measure(data, data.train()).get("accuracy");
    }
  }

  private static void served(
      MultiTaskModel serving,
      EncoderTraining measured,
      TaskData data,
      String text,
      Optional<String> second,
      int row) {
    var input = serving.prepare(data.task(), serving.startingAdapter(data.task()), text, second);
    TaskPrediction answer = (TaskPrediction) serving.predict(List.of(input)).get(0);
    Ops.setRecording(false);
    double[] scores = measured.scores(data, data.train().inputs().subList(row, row + 1))[0];
    double[] expected = Stacking.softmax(scores);
    for (int label = 0; label < expected.length; label++) {
      assertThat(answer.distribution()[label]).isCloseTo((float) expected[label], within(1e-4f));
    }
  }

  @Test
  @DisplayName("goes on after a kill to the very same weights, and another seed gives others")
  void resumes() throws Exception {
    List<TaskData> tasks = tasks();
    for (Preset preset : List.of(Preset.HYPERFORMER, Preset.ADAPTERS_SHARED_NORMS)) {
      Path straight = folder.resolve("straight" + preset);
      Path killed = folder.resolve("killed" + preset);
      Path other = folder.resolve("other" + preset);
      TrainingOptions options = options(9, 1e-3, 5);
      train(preset, tasks, options, straight, TrainingListener.NONE);
      assertThatThrownBy(() -> train(preset, tasks, options, killed, killer(6)))
          .hasMessage("killed");
      train(preset, tasks, options, killed, TrainingListener.NONE);
      for (String file :
          List.of(
              "state.safetensors",
              "metrics.jsonl",
              "model/hypernetwork/hypernetwork.safetensors")) {
        assertThat(killed.resolve(file)).as(file).hasSameBinaryContentAs(straight.resolve(file));
      }
      train(preset, tasks, options(9, 1e-3, 6), other, TrainingListener.NONE);
      assertThat(
              Files.mismatch(
                  other.resolve("best.safetensors"), straight.resolve("best.safetensors")))
          .isNotNegative();
      List<String> parts;
      try (Stream<Path> all = Files.walk(straight.resolve("model"))) {
        parts =
            all.filter(Files::isRegularFile)
                .map(file -> straight.resolve("model").relativize(file).toString())
                .toList();
      }
      assertThat(parts)
          .contains(
              "backbone/config.json", "backbone/tokenizer.json", "backbone/model.safetensors");
    }
  }

  private void train(
      Preset preset, List<TaskData> tasks, TrainingOptions options, Path run, TrainingListener to)
      throws Exception {
    MultiTaskTrainer.train(source(preset, tasks, 5), tasks, options, run, to);
  }

  private static TrainingListener killer(int at) {
    return new TrainingListener() {
      @Override
      public void stepped(Step step) {
        if (step.step() == at) {
          throw new IllegalStateException("killed");
        }
      }
    };
  }

  @Test
  @DisplayName("three in ten batches have the adapters that belong to no task")
  void genericShare() throws Exception {
    List<TaskData> tasks = tasks();
    TrainingOptions options = options(9, 1e-3, 5);
    try (EncoderTraining model =
        EncoderTraining.open(source(Preset.HYPERFORMER, tasks, 1), tasks, Trainable.ADAPTERS)) {
      for (boolean generic : new boolean[] {true, false}) {
        TrainingState state =
            new TrainingState(folder, "", model, new AdamW(options.optimiser()), 3);
        BatchSource batches = new BatchSource(tasks, options, state, generic);
        int count = 0;
        for (int i = 0; i < 300; i++) {
          TrainingBatch batch = batches.next();
          boolean isGeneric = batch.adapters().contains(AdapterConfig.GENERIC);
          assertThat(isGeneric || batch.adapters().equals(batch.tasks())).isTrue();
          count += isGeneric ? 1 : 0;
        }
        assertThat(count).isBetween(generic ? 70 : 0, generic ? 110 : 0);
      }
    }
  }

  @Test
  @DisplayName("what an encoder cannot be trained for is refused in a sentence")
  void refusals() throws Exception {
    List<TaskData> tasks = tasks();
    ModelSource source = source(Preset.HYPERFORMER_PLUS_PLUS, tasks, 1);
    assertThatThrownBy(() -> EncoderTraining.open(source, tasks, Trainable.EVERYTHING))
        .hasMessageContaining("of an encoder only adapters are trained");
    try (EncoderTraining model = EncoderTraining.open(source, tasks, Trainable.ADAPTERS)) {
      TrainingBatch one = batch(tasks.get(0), "sky", 0);
      TrainingBatch mixed =
          new TrainingBatch(
              List.of("sky", "same"),
              List.of("sky", "same"),
              List.of(one.inputs().get(0), one.inputs().get(0)),
              new int[][] {{0}, {0}},
              0);
      assertThatThrownBy(() -> loss(model, mixed)).hasMessageContaining("one task per batch");
    }
    TaskData named =
        new TaskData(
            TaskDefinition.classification(AdapterConfig.GENERIC, List.of("a", "the")),
            tasks.get(0).metrics(),
            tasks.get(0).train(),
            tasks.get(0).validation(),
            tasks.get(0).test());
    assertThatThrownBy(
            () ->
                MultiTaskTrainer.train(
                    source, List.of(named), options(2, 0, 0), folder, TrainingListener.NONE))
        .hasMessageContaining("a task cannot be called 'generic'");
  }
}
