package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotVersion.Form;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("Few-shot adaptation")
class FewShotTrainerTest {
  @TempDir static Path folder;

  private static final List<String> LABELS = List.of("garden", "kitchen", "workshop");

  /** A task nobody trained: which part of the house a request is about. */
  private static final Map<String, List<String>> SENTENCES =
      Map.of(
          "garden",
          List.of(
              "water the roses before it gets hot",
              "the lawn needs mowing again",
              "please trim the hedge by the gate",
              "rake the leaves under the apple tree",
              "plant the tulips along the path",
              "the roses have lost their leaves",
              "mow around the apple tree",
              "water the tulips by the gate"),
          "kitchen",
          List.of(
              "chop the onions for the soup",
              "the oven is still warm",
              "boil some water for the pasta",
              "put the plates in the dishwasher",
              "stir the soup now and then",
              "bake the pasta in the oven",
              "the dishwasher left the plates wet",
              "fry the onions until brown"),
          "workshop",
          List.of(
              "sharpen the saw before cutting",
              "the drill needs a new bit",
              "glue the broken chair leg",
              "sand the board until smooth",
              "hang the hammer back on the wall",
              "cut the board with the saw",
              "the glue on the chair has dried",
              "drill a hole in the wall"));

  private static StoredModel stored;
  private static int threads;
  private static FewShotModel model;
  private static FewShotTrainer trainer;
  private static float[] untrained; // an embedding as it was before anything was trained

  /** Trained once for all tests that ask something of the same. */
  private static final Map<Method, FewShotCandidate> CANDIDATES = new EnumMap<>(Method.class);

  @BeforeAll
  static void open() throws Exception {
    threads = Ops.setThreads(1); // several may round differently from run to run
    stored = StarterModel.install(new FileModelStore(folder.resolve("store")));
    model = FewShotModel.open(stored);
    trainer = new FewShotTrainer(model);
    untrained = model.factory().taskEmbeddings().get("hwu64").clone();
  }

  @AfterAll
  static void close() {
    CANDIDATES.values().forEach(FewShotCandidate::close);
    model.close();
    Ops.setThreads(threads);
  }

  private static TaskDefinition task() {
    return TaskDefinition.classification("rooms", LABELS);
  }

  /** So many examples of each label to learn from, the rest to measure on. */
  private record Split(List<Example> train, List<Example> test) {
    static Split of(int shots, long seed) {
      Split split = new Split(new ArrayList<>(), new ArrayList<>());
      for (String label : LABELS) {
        List<String> texts = new ArrayList<>(SENTENCES.get(label));
        Collections.shuffle(texts, new Random(seed));
        for (int i = 0; i < texts.size(); i++) {
          (i < shots ? split.train : split.test).add(Example.of(texts.get(i), label));
        }
      }
      return split;
    }
  }

  private static final Split COMMON = Split.of(4, 2);

  private static FewShotCandidate candidate(Method method) {
    return CANDIDATES.computeIfAbsent(method, m -> trainer.train(task(), COMMON.train(), m, 1));
  }

  private static double accuracy(FewShotCandidate candidate, List<Example> test) {
    double[][] probabilities = candidate.predict(test);
    int[] gold = new int[test.size()];
    int[] said = new int[test.size()];
    for (int i = 0; i < gold.length; i++) {
      assertThat(Arrays.stream(probabilities[i]).sum()).isCloseTo(1, within(1e-9));
      gold[i] = LABELS.indexOf(test.get(i).label());
      for (int l = 1; l < LABELS.size(); l++) {
        said[i] = probabilities[i][l] > probabilities[i][said[i]] ? l : said[i];
      }
    }
    return Metric.ACCURACY.of(gold, said, LABELS.size());
  }

  @Test
  @DisplayName("prototypes beat zero-shot by at least 0.15 over the seeds on a task nobody trained")
  void beatsZeroShot() {
    double zero = 0;
    double adapted = 0;
    int seeds = 3;
    for (int seed = 0; seed < seeds; seed++) {
      Split split = Split.of(5, seed);
      try (FewShotCandidate start = trainer.train(task(), split.train(), Method.ZERO_SHOT, seed);
          FewShotCandidate candidate =
              trainer.train(task(), split.train(), Method.PROTOTYPES, seed)) {
        zero += accuracy(start, split.test()) / seeds;
        adapted += accuracy(candidate, split.test()) / seeds;
      }
    }
    assertThat(adapted).isGreaterThan(zero + 0.15);
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  @DisplayName("the same examples and seed give the same candidate, and the report says how")
  void reproducible(Method method) {
    Split split = Split.of(2, 1);
    double[][] first;
    try (FewShotCandidate candidate = trainer.train(task(), split.train(), method, 7)) {
      first = candidate.predict(split.test());
      assertThat(candidate.report().examples()).isEqualTo(6);
      assertThat(candidate.report().decoder())
          .isIn(
              method == Method.WEIGHTS
                  ? List.of("weights")
                  : method == Method.EMBEDDING
                      ? List.of("embedding")
                      : method == Method.AUTO
                          ? List.of("start", "embedding", "weights")
                          : List.of("start"));
    }
    try (FewShotCandidate again = trainer.train(task(), split.train(), method, 7)) {
      assertThat(Arrays.deepEquals(again.predict(split.test()), first)).isTrue();
    }
  }

  @Test
  @DisplayName("both gradient stages lower the loss on their examples, stage 2 more")
  void stages() {
    List<Example> examples = COMMON.train();
    double[] losses = new double[3];
    List<Method> stages = List.of(Method.ZERO_SHOT, Method.EMBEDDING, Method.WEIGHTS);
    for (int i = 0; i < losses.length; i++) {
      double[][] p = candidate(stages.get(i)).predict(examples);
      for (int row = 0; row < p.length; row++) {
        losses[i] -= Math.log(p[row][LABELS.indexOf(examples.get(row).label())]);
      }
    }
    assertThat(losses[1]).isLessThan(losses[0]);
    assertThat(losses[2]).isLessThan(losses[1]);
  }

  @Test
  @DisplayName(
      "where a known task is near, auto weighs tuned decoders too and stays better than chance")
  void nearKnownTask() {
    TaskDefinition opinions = TaskDefinition.classification("opinions", List.of("pros", "cons"));
    List<Example> examples = new ArrayList<>();
    for (String good : List.of("great battery", "easy to use", "very light", "good picture")) {
      examples.add(Example.of(good, "pros"));
    }
    for (String bad : List.of("short battery life", "hard to use", "too heavy", "poor picture")) {
      examples.add(Example.of(bad, "cons"));
    }
    try (FewShotCandidate candidate = trainer.train(opinions, examples, Method.AUTO, 1)) {
      assertThat(candidate.report().decoder()).isIn("start", "embedding", "weights");
      assertThat(candidate.report().crossValidatedLoss()).isLessThan(Math.log(2));
      double[][] p =
          candidate.predict(
              List.of(
                  Example.of("nice and light", "pros"), Example.of("awful, too heavy", "cons")));
      assertThat(p[0][0]).isGreaterThan(0.5);
      assertThat(p[1][1]).isGreaterThan(0.5);
    }
  }

  @Test
  @DisplayName("the paper's loss over the label's tokens is an option")
  void languageModelLoss() {
    Split split = Split.of(2, 2);
    FewShotTrainer paper = new FewShotTrainer(model, FewShotTrainer.Loss.LANGUAGE_MODEL);
    try (FewShotCandidate byTokens = paper.train(task(), split.train(), Method.EMBEDDING, 1);
        FewShotCandidate byLabels = trainer.train(task(), split.train(), Method.EMBEDDING, 1)) {
      assertThat(byTokens.embedding()).isNotEqualTo(byLabels.embedding());
      assertThat(byTokens.report().start()).isEqualTo(byLabels.report().start());
    }
  }

  @Test
  @DisplayName("one example per label, a label without any, and copies are enough to learn from")
  void extremes() {
    Split split = Split.of(1, 3);
    try (FewShotCandidate one = trainer.train(task(), split.train(), Method.AUTO, 0)) {
      double[][] p = one.predict(split.test());
      assertThat(p.length).isEqualTo(21);
      assertThat(one.report().crossValidatedLoss()).isNaN();
    }
    List<Example> single = List.of(Example.of("mow the lawn", "garden"));
    try (FewShotCandidate lone = trainer.train(task(), single, Method.AUTO, 0)) {
      assertThat(lone.report().missingLabels()).containsExactly("kitchen", "workshop");
      for (double[] row : lone.predict(split.test())) {
        assertThat(Arrays.stream(row).sum()).isCloseTo(1, within(1e-9));
      }
    }
    List<Example> imbalanced = new ArrayList<>(Split.of(5, 3).train().subList(0, 7));
    imbalanced.add(imbalanced.get(0));
    try (FewShotCandidate two = trainer.train(task(), imbalanced, Method.PROTOTYPES, 0)) {
      assertThat(two.report().missingLabels()).containsExactly("workshop");
      assertThat(two.report().duplicates()).isEqualTo(1);
      double[][] p = two.predict(split.test());
      for (double[] row : p) {
        assertThat(row[2]).isPositive();
      }
    }
    assertThatThrownBy(
            () -> trainer.train(task(), List.of(Example.of("hm", "attic")), Method.PROTOTYPES, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 have labels it does not have");
  }

  @ParameterizedTest
  @EnumSource(
      value = Method.class,
      names = {"EMBEDDING", "PROTOTYPES", "WEIGHTS", "AUTO"})
  @DisplayName("a published version, read back, answers as the candidate did")
  void published(Method method) throws Exception {
    FewShotCandidate candidate = candidate(method);
    double[][] expected = candidate.predict(COMMON.test());
    double[][] served = model.predict(task(), adapter(candidate.version()), COMMON.test());
    for (int i = 0; i < expected.length; i++) {
      assertThat(served[i]).containsExactly(expected[i], within(1e-6));
    }
  }

  /** As a reader of the version's record has it. */
  private static TaskAdapter adapter(FewShotVersion version) throws IOException {
    AdapterForm form = new AdapterForm.Embedding(version.embedding());
    if (version.weights().isPresent()) {
      Path file = Files.createTempFile(folder, "version", ".safetensors");
      form = new AdapterForm.Weights(Files.write(file, version.weights().get()));
    }
    return new TaskAdapter("rooms", 1, form, version.head());
  }

  @Test
  @DisplayName("a version says what it is made of, and nothing else is accepted")
  void forms() {
    for (Method method : List.of(Method.ZERO_SHOT, Method.PROTOTYPES, Method.WEIGHTS)) {
      Form form = candidate(method).version().form();
      assertThat(form)
          .isEqualTo(
              method == Method.ZERO_SHOT
                  ? Form.EMBEDDING
                  : method == Method.PROTOTYPES ? Form.PROTOTYPES : Form.WEIGHTS);
    }
    assertThatThrownBy(
            () ->
                new FewShotVersion(
                    Form.PROTOTYPES, new float[64], Optional.empty(), Optional.empty()))
        .hasMessageContaining("PROTOTYPES cannot be made without label vectors");
  }

  @Test
  @DisplayName("label scores are serving's, and training leaves the model as it was")
  void servingScores() throws Exception {
    candidate(Method.WEIGHTS);
    assertThat(model.factory().taskEmbeddings().get("hwu64")).isEqualTo(untrained);

    TaskDefinition served = stored.sourceTasks().get(3).definition();
    List<Example> texts = List.of(Example.of("play the next song", served.labels().get(0).name()));
    try (MultiTaskModel serving = MultiTaskModel.open(stored, ModelOptions.DEFAULT);
        AdapterWeights weights =
            model
                .factory()
                .generate(List.of(model.factory().taskEmbeddings().get(served.taskId())))
                .get(0)) {
      var row =
          serving.prepare(
              served, serving.startingAdapter(served), texts.get(0).text(), Optional.empty());
      float[] expected = ((TaskPrediction) serving.predict(List.of(row)).get(0)).distribution();
      List<RowInput> rows = model.inputs(served, texts);
      double[] ours = Stacking.softmax(model.run(weights, rows, Optional.of(served)).scores()[0]);
      for (int l = 0; l < expected.length; l++) {
        assertThat(ours[l]).isCloseTo(expected[l], within(1e-5));
      }
    }
  }
}
