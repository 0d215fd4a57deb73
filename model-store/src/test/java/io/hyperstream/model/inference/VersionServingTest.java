package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotCandidate;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrainer;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotVersion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Serving adapted versions")
class VersionServingTest {
  @TempDir Path folder;

  private static final TaskDefinition TASK =
      TaskDefinition.classification("tools", List.of("garden", "kitchen", "workshop"));

  private static final List<Example> EXAMPLES =
      List.of(
          Example.of("rake the leaves into a heap", "garden"),
          Example.of("water the beds in the evening", "garden"),
          Example.of("the hedge grew over the fence", "garden"),
          Example.of("stir the sauce until it thickens", "kitchen"),
          Example.of("the kettle is whistling", "kitchen"),
          Example.of("slice the bread thinly", "kitchen"),
          Example.of("tighten the vice before sawing", "workshop"),
          Example.of("the drill has lost its bit", "workshop"),
          Example.of("sand the shelf along the grain", "workshop"));

  private static final List<Example> TEXTS =
      List.of(
          Example.of("water the hedge", "garden"),
          Example.of("the sauce needs salt and a longer stir than the recipe says", "kitchen"),
          Example.of("sawing", "workshop"),
          Example.of("the bread knife lies on the shelf in the workshop", "workshop"));

  private StoredModel stored(String model) throws IOException {
    Path store = folder.resolve(model);
    return switch (model) {
      case "starter" -> StarterModel.install(new FileModelStore(store));
      case "crossBias" ->
          TinyModel.publish(store, TinyModel.CROSS_BIAS, TinyModel.HYPERFORMER_PLUS_PLUS);
      default -> TinyModel.publish(store, "", TinyModel.HYPERFORMER_PLUS_PLUS);
    };
  }

  private TaskAdapter adapter(String taskId, long number, FewShotVersion version)
      throws IOException {
    AdapterForm form = new AdapterForm.Embedding(version.embedding());
    if (version.weights().isPresent()) {
      Path file = Files.createTempFile(folder, "version", ".safetensors");
      form = new AdapterForm.Weights(Files.write(file, version.weights().get()));
    }
    return new TaskAdapter(taskId, number, form, version.head());
  }

  private FewShotVersion train(FewShotModel model, Method method, long seed) {
    try (FewShotCandidate candidate =
        new FewShotTrainer(model).train(TASK, EXAMPLES, method, seed)) {
      return candidate.version();
    }
  }

  /** One of each form, weights also with label vectors. */
  private List<FewShotVersion> versions(FewShotModel model) {
    FewShotVersion prototypes = train(model, Method.PROTOTYPES, 1);
    FewShotVersion weights = train(model, Method.WEIGHTS, 1);
    return List.of(
        train(model, Method.EMBEDDING, 1),
        prototypes,
        weights,
        new FewShotVersion(
            FewShotVersion.Form.WEIGHTS,
            weights.embedding(),
            prototypes.head(),
            weights.weights()));
  }

  private static List<PreparedRow> others(MultiTaskModel model) {
    List<PreparedRow> rows = new ArrayList<>();
    for (String id : List.of("first", "second")) {
      TaskDefinition other = TaskDefinition.classification(id, List.of("yes", "no"));
      TaskAdapter start = model.startingAdapter(other);
      for (String text : List.of("so it is", "not at all, whatever you may say about it")) {
        rows.add(model.prepare(other, start, text, Optional.empty()));
      }
    }
    return rows;
  }

  private static float[] distribution(RowResult result) {
    return ((TaskPrediction) result).distribution();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "crossBias", "starter"})
  @DisplayName("every form answers in mixed batches as it did when it was judged")
  void parity(String name) throws IOException {
    StoredModel stored = stored(name);
    ModelOptions options = ModelOptions.DEFAULT.withBeams(1, 4);
    try (FewShotModel judge = FewShotModel.open(stored);
        MultiTaskModel model = MultiTaskModel.open(stored, options)) {
      List<PreparedRow> company = others(model);
      List<float[]> alone =
          model.predict(company).stream().map(VersionServingTest::distribution).toList();
      long number = 0;
      for (FewShotVersion version : versions(judge)) {
        TaskAdapter adapter = adapter("tools", ++number, version);
        model.check(adapter);
        for (LabelScoring scoring : LabelScoring.values()) {
          TaskDefinition task = scored(TASK, scoring);
          double[][] expected = judge.predict(task, adapter, TEXTS);
          List<PreparedRow> rows = new ArrayList<>(company);
          for (int i = 0; i < TEXTS.size(); i++) {
            // Half of them were prepared before the version came.
            boolean early = i % 2 == 0;
            TaskAdapter then = early ? model.startingAdapter(task) : adapter;
            PreparedRow row = model.prepare(task, then, TEXTS.get(i).text(), Optional.empty());
            rows.add(i, early ? row.with(adapter) : row);
          }
          List<RowResult> results = model.predict(rows);
          for (int i = 0; i < TEXTS.size(); i++) {
            TaskPrediction answer = (TaskPrediction) results.get(i);
            assertThat(answer.adapterVersion()).isEqualTo(number);
            assertThat(answer.taught()).isTrue();
            close(answer.distribution(), expected[i]);
          }
          for (int i = 0; i < company.size(); i++) {
            assertThat(((TaskPrediction) results.get(TEXTS.size() + i)).taught()).isFalse();
            assertThat(distribution(results.get(TEXTS.size() + i)))
                .containsExactly(alone.get(i), within(1e-4f));
          }
        }
      }
    }
  }

  private static void close(float[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int l = 0; l < actual.length; l++) {
      assertThat((double) actual[l]).isCloseTo(expected[l], within(1e-4));
    }
  }

  private static TaskDefinition scored(TaskDefinition task, LabelScoring scoring) {
    return new TaskDefinition(
        task.taskId(),
        task.kind(),
        task.labels(),
        task.template(),
        task.templatePair(),
        task.description(),
        task.overLength(),
        scoring,
        task.initFrom());
  }

  @Test
  @DisplayName("a task redefined after its version was made is served by the names of its labels")
  void redefined() throws IOException {
    StoredModel stored = stored("tiny");
    try (FewShotModel judge = FewShotModel.open(stored);
        MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      TaskAdapter adapter = adapter("tools", 1, train(judge, Method.PROTOTYPES, 1));
      TaskDefinition now =
          TaskDefinition.classification("tools", List.of("cellar", "workshop", "garden"));
      PreparedRow row = model.prepare(now, adapter, "water the hedge", Optional.empty());
      double[] expected = judge.predict(now, adapter, List.of(TEXTS.get(0)))[0];
      close(distribution(model.predict(List.of(row)).get(0)), expected);
      assertThat(expected[2]).isGreaterThan(expected[1]);
    }
  }

  @Test
  @DisplayName("two texts are compared by their words, too")
  void pairs() throws IOException {
    StoredModel stored = stored("tiny");
    TaskDefinition same = TaskDefinition.classification("same", List.of("same", "other"));
    List<Example> pairs =
        Stream.of("a cat sleeps", "rain falls", "the bus is late", "bread is cheap")
            .flatMap(
                text ->
                    Stream.of(
                        new Example(text, Optional.of(text + " today"), "same"),
                        new Example(text, Optional.of("nobody knows"), "other")))
            .toList();
    try (FewShotModel judge = FewShotModel.open(stored);
        MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT);
        FewShotCandidate candidate =
            new FewShotTrainer(judge).train(same, pairs, Method.PROTOTYPES, 1)) {
      TaskAdapter adapter = adapter("same", 1, candidate.version());
      double[][] expected = candidate.predict(pairs);
      for (int i = 0; i < pairs.size(); i++) {
        Example pair = pairs.get(i);
        PreparedRow row = model.prepare(same, adapter, pair.text(), pair.textPair());
        close(distribution(model.predict(List.of(row)).get(0)), expected[i]);
      }
    }
  }

  @Test
  @DisplayName("adapting one task again and again leaves the weights and answers of all others")
  void isolation() throws IOException {
    StoredModel stored = stored("tiny");
    try (FewShotModel judge = FewShotModel.open(stored);
        MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      List<PreparedRow> rows = others(model);
      FewShotVersion neighbour = train(judge, Method.PROTOTYPES, 99);
      TaskAdapter second = adapter("second", 5, neighbour);
      rows.replaceAll(row -> row.task().taskId().equals("second") ? row.with(second) : row);
      List<TaskAdapter> adapters = rows.stream().map(PreparedRow::adapter).distinct().toList();
      List<Map<String, ByteBuffer>> weights = adapters.stream().map(a -> bytes(model, a)).toList();
      List<float[]> answers =
          model.predict(rows).stream().map(VersionServingTest::distribution).toList();

      long number = 0;
      for (long seed = 1; seed <= 3; seed++) {
        for (Method method : List.of(Method.EMBEDDING, Method.PROTOTYPES, Method.WEIGHTS)) {
          TaskAdapter adapter = adapter("tools", ++number, train(judge, method, seed));
          List<PreparedRow> mixed = new ArrayList<>(rows);
          for (Example text : TEXTS) {
            mixed.add(0, model.prepare(TASK, adapter, text.text(), Optional.empty()));
          }
          List<RowResult> together = model.predict(mixed);
          List<RowResult> apart = model.predict(rows);
          for (int i = 0; i < rows.size(); i++) {
            assertThat(distribution(apart.get(i))).containsExactly(answers.get(i));
            assertThat(distribution(together.get(TEXTS.size() + i)))
                .containsExactly(answers.get(i), within(1e-4f));
          }
        }
      }
      assertThat(adapters.stream().map(a -> bytes(model, a)).toList()).isEqualTo(weights);
      try (MultiTaskModel fresh = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
        assertThat(adapters.stream().map(a -> bytes(fresh, a)).toList()).isEqualTo(weights);
      }
    }
  }

  private static Map<String, ByteBuffer> bytes(MultiTaskModel model, TaskAdapter adapter) {
    Map<String, ByteBuffer> bytes = new TreeMap<>();
    model
        .weights(adapter)
        .arrays()
        .forEach((name, array) -> bytes.put(name, array.toByteBuffer(false).duplicate()));
    return bytes;
  }

  @Test
  @DisplayName("a version this model cannot apply is found before it is served")
  void damaged() throws IOException {
    StoredModel stored = stored("tiny");
    try (FewShotModel judge = FewShotModel.open(stored);
        MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      FewShotVersion weights = train(judge, Method.WEIGHTS, 1);
      TaskAdapter good = adapter("tools", 1, weights);
      model.check(good);

      byte[] cut = Arrays.copyOf(weights.weights().get(), weights.weights().get().length - 2);
      refused(model, new AdapterForm.Weights(Files.write(folder.resolve("cut"), cut)), "cut");
      refused(model, new AdapterForm.Weights(notFinite(model.weights(good))), "not finite");
      SafetensorsWriter other = new SafetensorsWriter().add("something", new float[2], 2);
      other.write(folder.resolve("other"));
      refused(model, new AdapterForm.Weights(folder.resolve("other")), "no tensor");
      refused(model, new AdapterForm.Embedding(new float[3]), "3 values; this model's have 8");
      float[] diverged = new float[8];
      diverged[2] = Float.NaN;
      refused(model, new AdapterForm.Embedding(diverged), "not finite");

      LabelHead head = train(judge, Method.PROTOTYPES, 1).head().get();
      LabelHead narrow =
          new LabelHead(
              new float[4],
              head.vectors().stream()
                  .map(
                      v ->
                          new LabelHead.LabelVectors(
                              v.label(), new float[4], 0, new int[0], new float[0], 0))
                  .toList(),
              true,
              1,
              1,
              1,
              Optional.empty());
      assertThatThrownBy(
              () -> model.check(new TaskAdapter("tools", 9, good.form(), Optional.of(narrow))))
          .isInstanceOf(InferenceException.class)
          .hasMessageContaining("4 numbers, this model's vectors 16");
    }
  }

  private static void refused(MultiTaskModel model, AdapterForm form, String why) {
    assertThatThrownBy(() -> model.check(new TaskAdapter("tools", 9, form)))
        .isInstanceOf(InferenceException.class)
        .hasMessageContaining("version 9 of task 'tools'")
        .hasMessageContaining(why);
  }

  private Path notFinite(AdapterWeights weights) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (Map.Entry<String, NDArray> entry : weights.arrays().entrySet()) {
      float[] values = entry.getValue().toFloatArray();
      values[values.length / 2] = Float.NaN;
      writer.add(entry.getKey(), values, entry.getValue().getShape().getShape());
    }
    writer.write(folder.resolve("nan"));
    return folder.resolve("nan");
  }
}
