package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Backbones and adapters other than the starter's. */
class ModelVariantsTest {
  private static final TaskDefinition COLOURS =
      TaskDefinition.classification("one", List.of("red", "green", "dark blue", "light blue"));
  private static final TaskDefinition WEATHER =
      TaskDefinition.classification(
          "two", List.of("sunny", "rain", "light rain", "heavy rain in the evening", "snow"));

  @TempDir Path store;

  private static List<PreparedRow> rows(MultiTaskModel model) {
    List<PreparedRow> rows = new ArrayList<>();
    for (String text : List.of("the sky", "grass in spring", "a very long evening by the sea")) {
      for (TaskDefinition task : List.of(COLOURS, WEATHER)) {
        rows.add(model.prepare(task, model.startingAdapter(task), text, Optional.empty()));
      }
    }
    return rows;
  }

  private static void assertBatchEqualsRows(MultiTaskModel model) {
    List<PreparedRow> rows = rows(model);
    List<RowResult> together = model.predict(rows);
    for (int i = 0; i < rows.size(); i++) {
      float[] alone = ((TaskPrediction) model.predict(List.of(rows.get(i))).get(0)).distribution();
      assertThat(((TaskPrediction) together.get(i)).distribution())
          .containsExactly(alone, within(1e-4f));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", TinyModel.V11, TinyModel.CROSS_BIAS})
  @DisplayName("v1.0, v1.1 and biased cross-attention: a mixed batch equals its rows alone")
  void backbones(String fields) throws IOException {
    StoredModel stored = TinyModel.publish(store, fields, TinyModel.HYPERFORMER_PLUS_PLUS);
    try (MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      assertBatchEqualsRows(model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", TinyModel.CROSS_BIAS})
  @DisplayName("a beam as wide as the trie scores every label as the exact scorer does")
  void wideBeamIsExact(String fields) throws IOException {
    StoredModel stored = TinyModel.publish(store, fields, TinyModel.HYPERFORMER_PLUS_PLUS);
    try (MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      TaskDefinition beam =
          new TaskDefinition(
              WEATHER.taskId(),
              WEATHER.kind(),
              WEATHER.labels(),
              WEATHER.template(),
              WEATHER.templatePair(),
              "",
              WEATHER.overLength(),
              LabelScoring.TRIE_BEAM,
              List.of());
      for (String text : List.of("the sky", "grass in spring and in summer")) {
        TaskAdapter adapter = model.startingAdapter(WEATHER);
        double[] exact = model.score(model.prepare(WEATHER, adapter, text, Optional.empty()));
        double[] wide = model.score(model.prepare(beam, adapter, text, Optional.empty()));
        assertThat(wide).containsExactly(exact, within(1e-4));
      }
    }
  }

  @Test
  @DisplayName("a bare backbone serves every task the same, and takes no embeddings")
  void bareBackbone() throws IOException {
    StoredModel stored = TinyModel.publish(store, TinyModel.V11, "");
    try (MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      assertThat(model.startingAdapter(COLOURS).form()).isEqualTo(new AdapterForm.None());
      assertBatchEqualsRows(model);
      TaskAdapter embedding = new TaskAdapter("one", 1, TinyModel.embedding(1));
      assertThatThrownBy(() -> model.prepare(COLOURS, embedding, "x", Optional.empty()))
          .isInstanceOf(InferenceException.class)
          .hasMessageContaining("8 values; this model's have 0");
    }
    assertThat(ModelInspection.of(stored).adapters()).isEmpty();
  }

  @Test
  @DisplayName("plain adapters serve the tasks they were trained for, by name")
  void plainAdapters() throws IOException {
    StoredModel stored = TinyModel.publish(store, "", TinyModel.PLAIN);
    try (MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      assertThat(model.startingAdapter(COLOURS).form()).isEqualTo(new AdapterForm.Named("one"));
      TaskDefinition other = TaskDefinition.classification("other", List.of("a", "b"));
      assertThat(model.startingAdapter(other).form()).isEqualTo(new AdapterForm.None());
      assertBatchEqualsRows(model);
      TaskAdapter one = model.startingAdapter(COLOURS);
      TaskAdapter two = model.startingAdapter(WEATHER);
      double[] withOne = model.score(model.prepare(COLOURS, one, "the sky", Optional.empty()));
      double[] withTwo = model.score(model.prepare(COLOURS, two, "the sky", Optional.empty()));
      assertThat(withOne).isNotEqualTo(withTwo);
    }
  }

  @Test
  @DisplayName("norms trained with the hypernetwork replace the backbone's")
  void trainedNorms() throws IOException {
    StoredModel plain = TinyModel.publish(store, "", TinyModel.HYPERFORMER_PLUS_PLUS);
    StoredModel trained =
        TinyModel.publishWithTrainedNorm(store.resolve("trained"), TinyModel.HYPERFORMER_PLUS_PLUS);
    try (MultiTaskModel a = MultiTaskModel.open(plain, ModelOptions.DEFAULT);
        MultiTaskModel b = MultiTaskModel.open(trained, ModelOptions.DEFAULT)) {
      assertThat(a.score(rows(a).get(0))).isNotEqualTo(b.score(rows(b).get(0)));
      assertThat(plain.manifest().backboneFingerprint())
          .isEqualTo(trained.manifest().backboneFingerprint());
      assertThat(a.modelId()).isNotEqualTo(b.modelId());
    }
  }

  @Test
  @DisplayName("several beams and a full batch of free text: every row gets its own answer")
  void generationOfManyTasks() throws IOException {
    StoredModel stored = TinyModel.publish(store, "", TinyModel.HYPERFORMER_PLUS_PLUS);
    for (int beams : new int[] {1, 3}) {
      ModelOptions options = ModelOptions.DEFAULT.withBeams(beams, 4).withMaxTargetTokens(6);
      try (MultiTaskModel model = MultiTaskModel.open(stored, options)) {
        List<PreparedRow> rows = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
          TaskDefinition task =
              new TaskDefinition(
                  "write" + i % 3,
                  TaskKind.GENERATION,
                  List.of(),
                  Template.SINGLE,
                  Template.PAIR,
                  "",
                  OverLengthPolicy.TRUNCATE,
                  LabelScoring.EXACT,
                  List.of());
          TaskAdapter adapter = new TaskAdapter(task.taskId(), 1, TinyModel.embedding(i % 3));
          rows.add(model.prepare(task, adapter, "number " + i + " of nine", Optional.empty()));
        }
        List<RowResult> together = model.predict(rows);
        for (int i = 0; i < rows.size(); i++) {
          TaskPrediction alone = (TaskPrediction) model.predict(List.of(rows.get(i))).get(0);
          assertThat(((TaskPrediction) together.get(i)).text()).isEqualTo(alone.text());
          assertThat(((TaskPrediction) together.get(i)).score())
              .isCloseTo(alone.score(), within(1e-4f));
        }
      }
    }
  }

  @Test
  @DisplayName("numbers are read without a locale, and nothing else is a number")
  void numbers() {
    assertThat(Decoding.number(" 3.8 ")).hasValue(3.8);
    assertThat(Decoding.number("-2")).hasValue(-2);
    assertThat(Decoding.number("1e3")).hasValue(1000);
    assertThat(Decoding.number(".5")).hasValue(0.5);
    for (String text : List.of("", "3,8", "NaN", "Infinity", "0x10", "1d", "3.8 points", "1e999")) {
      assertThat(Decoding.number(text)).as(text).isEmpty();
    }
  }

  @Test
  @DisplayName("a tokenizer of another model is refused")
  void foreignTokenizer() throws IOException {
    StoredModel stored = TinyModel.publish(store, "", "");
    Path config = stored.directory().resolve("backbone/config.json");
    Files.writeString(config, TinyModel.BACKBONE.formatted("").replace("8192", "100"));
    assertThatThrownBy(() -> MultiTaskModel.open(stored, ModelOptions.DEFAULT))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("belong to different models");
  }
}
