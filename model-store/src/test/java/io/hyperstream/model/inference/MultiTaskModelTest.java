package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MultiTaskModelTest {
  private static final List<String> TEXTS =
      List.of(
          "please freeze my account right now",
          "the battery lasts for days and the screen is gorgeous",
          "what is the weather going to be like in the mountains tomorrow afternoon",
          "ok",
          "I am so sorry to hear that your dog is ill, I hope she gets better soon!",
          "😀 привет 你好",
          "turn the volume down \u0001 a bit");

  @TempDir static Path store;
  private static Starter starter;
  private static NaiveScorer naive;

  @BeforeAll
  static void open() throws IOException {
    starter = new Starter(store, ModelOptions.DEFAULT.withIntraOpThreads(1));
    naive = new NaiveScorer(starter.stored);
  }

  @AfterAll
  static void close() {
    naive.close();
    starter.close();
  }

  @Test
  @DisplayName("ids, labels, probabilities and log-probabilities equal the training code's")
  void expectedOfTheTrainingCode() throws IOException {
    JsonNode expected = StarterFiles.expected();
    List<PreparedRow> rows = new ArrayList<>();
    for (JsonNode sentence : expected) {
      Optional<String> pair = Optional.ofNullable(sentence.get("textPair")).map(JsonNode::asText);
      TaskDefinition task = starter.tasks.get(sentence.get("taskId").asText());
      rows.add(starter.row(task, sentence.get("text").asText(), pair));
    }

    List<RowResult> results = starter.model.predict(rows);

    for (int i = 0; i < expected.size(); i++) {
      JsonNode sentence = expected.get(i);
      String text = sentence.get("text").asText();
      TaskPrediction prediction = (TaskPrediction) results.get(i);
      assertThat(rows.get(i).inputIds()).isEqualTo(StarterFiles.ints(sentence.get("inputIds")));
      assertThat(prediction.label()).as(text).contains(sentence.get("label").asText());
      assertThat((double) prediction.score())
          .as(text)
          .isCloseTo(sentence.get("probability").asDouble(), within(2e-3));
      double[] scores = starter.model.score(rows.get(i));
      for (int label = 0; label < scores.length; label++) {
        assertThat(scores[label])
            .as("%s, label %d", text, label)
            .isCloseTo(sentence.get("labelLogProbs").get(label).asDouble(), within(2e-3));
      }
    }
  }

  private static List<PreparedRow> mixed(int size, long seed) {
    Random random = new Random(seed);
    List<String> tasks = new ArrayList<>(starter.tasks.keySet());
    List<PreparedRow> rows = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      rows.add(
          starter.row(
              tasks.get(random.nextInt(tasks.size())), TEXTS.get(random.nextInt(TEXTS.size()))));
    }
    return rows;
  }

  @Test
  @DisplayName("a batch of many tasks answers each row as if it were alone, in the rows' order")
  void mixedBatchEqualsSingleRows() {
    List<PreparedRow> rows = mixed(40, 1);
    List<RowResult> together = starter.model.predict(rows);
    for (int i = 0; i < rows.size(); i++) {
      assertSame((TaskPrediction) together.get(i), starter.predict(rows.get(i)));
    }
  }

  @Test
  @DisplayName("the order of rows and the splitting of a batch do not matter beyond rounding")
  void orderAndSplittingDoNotMatter() throws IOException {
    List<PreparedRow> rows = mixed(30, 2);
    List<RowResult> results = starter.model.predict(rows);
    List<PreparedRow> reversed = new ArrayList<>(rows);
    Collections.reverse(reversed);
    List<RowResult> backwards = starter.model.predict(reversed);
    try (Starter small = new Starter(store, ModelOptions.DEFAULT.withMaxBatchTokens(64))) {
      List<RowResult> split = small.model.predict(rows);
      for (int i = 0; i < rows.size(); i++) {
        TaskPrediction prediction = (TaskPrediction) results.get(i);
        assertSame(prediction, (TaskPrediction) backwards.get(rows.size() - 1 - i));
        assertSame(prediction, (TaskPrediction) split.get(i));
      }
    }
  }

  private static void assertSame(TaskPrediction a, TaskPrediction b) {
    assertThat(a.distribution()).hasSameSizeAs(b.distribution());
    for (int i = 0; i < a.distribution().length; i++) {
      // Log-probabilities agree within 1e-4, and a probability moves less than its logarithm.
      assertThat(Math.log(a.distribution()[i]))
          .isCloseTo(Math.log(b.distribution()[i]), within(1e-4));
    }
    if (margin(a.distribution()) > 1e-3) {
      assertThat(a.label()).isEqualTo(b.label());
    }
  }

  private static double margin(float[] distribution) {
    float[] sorted = distribution.clone();
    java.util.Arrays.sort(sorted);
    return sorted[sorted.length - 1] - sorted[sorted.length - 2];
  }

  @Test
  @DisplayName("an identical batch gives bit-identical results")
  void identicalBatchIsBitIdentical() {
    List<PreparedRow> rows = mixed(33, 3);
    List<RowResult> first = starter.model.predict(rows);
    List<RowResult> second = starter.model.predict(rows);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(((TaskPrediction) second.get(i)).distribution())
          .isEqualTo(((TaskPrediction) first.get(i)).distribution());
    }
  }

  @Test
  @DisplayName("one pass over the label trie equals scoring each label as a sequence of its own")
  void trieEqualsTeacherForcing() {
    for (String taskId : List.of("goemotions", "clinc_home", "hwu64", "pros_cons", "cad_snli")) {
      PreparedRow row = starter.row(taskId, TEXTS.get(0));
      double[] trie = starter.model.score(row);
      assertThat(trie).hasSize(row.task().labels().size());
      assertThat(trie).as(taskId).containsExactly(naive.score(row), within(1e-4));
    }
  }

  @Test
  @DisplayName("hundreds of labels are scored in bounded blocks, and each as if alone")
  void manyLabels() {
    List<String> labels = new ArrayList<>();
    List<String> words = List.of("red", "green", "blue", "cold", "warm", "open", "shut", "new");
    for (int i = 0; i < 400; i++) {
      labels.add(words.get(i % 8) + " " + words.get(i / 8 % 8) + " " + (i / 64 + 10));
    }
    TaskDefinition task = TaskDefinition.classification("many", labels);
    PreparedRow row = starter.row(task, TEXTS.get(1), Optional.empty());

    TaskPrediction prediction = starter.predict(row);

    double sum = 0;
    for (float p : prediction.distribution()) {
      sum += p;
    }
    assertThat(prediction.distribution()).hasSize(400);
    assertThat(sum).isCloseTo(1, within(1e-4));
    assertThat(starter.model.score(row)).containsExactly(naive.score(row), within(1e-4));
  }

  @Test
  @DisplayName("beam search over the trie finds the exact scores of the labels it keeps")
  void trieBeam() throws IOException {
    TaskDefinition exact = starter.tasks.get("hwu64");
    TaskDefinition beam = withScoring(exact, LabelScoring.TRIE_BEAM);
    List<PreparedRow> exactRows = new ArrayList<>();
    List<PreparedRow> beamRows = new ArrayList<>();
    for (String text : TEXTS) {
      exactRows.add(starter.row(exact, text, Optional.empty()));
      beamRows.add(starter.row(beam, text, Optional.empty()));
    }
    List<RowResult> approximate = starter.model.predict(beamRows);
    int agree = 0;
    for (int i = 0; i < TEXTS.size(); i++) {
      TaskPrediction prediction = (TaskPrediction) approximate.get(i);
      assertThat(prediction.approximate()).isTrue();
      double[] full = starter.model.score(exactRows.get(i));
      double[] kept = starter.model.score(beamRows.get(i));
      int scored = 0;
      for (int label = 0; label < full.length; label++) {
        if (Double.isFinite(kept[label])) {
          assertThat(kept[label]).isCloseTo(full[label], within(1e-3));
          scored++;
        } else {
          assertThat(prediction.distribution()[label]).isZero();
        }
      }
      assertThat(scored).isBetween(2, 63);
      TaskPrediction whole = starter.predict(exactRows.get(i));
      assertThat(whole.approximate()).isFalse();
      agree += whole.label().equals(prediction.label()) ? 1 : 0;
    }
    assertThat(agree).isGreaterThanOrEqualTo(TEXTS.size() - 1);
  }

  private static TaskDefinition withScoring(TaskDefinition task, LabelScoring scoring) {
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

  private static TaskDefinition text(String taskId, TaskKind kind) {
    return new TaskDefinition(
        taskId,
        kind,
        List.of(),
        Template.SINGLE,
        Template.PAIR,
        "",
        OverLengthPolicy.REJECT,
        LabelScoring.EXACT,
        List.of("pros_cons"));
  }

  @Test
  @DisplayName("free text is decoded with the task's adapters, greedily and by beams")
  void generation() throws IOException {
    TaskDefinition task = text("write", TaskKind.GENERATION);
    TaskPrediction greedy = starter.predict(starter.row(task, TEXTS.get(1), Optional.empty()));
    assertThat(greedy.kind()).isEqualTo(TaskKind.GENERATION);
    assertThat(greedy.text()).contains("cons"); // what it was trained to say, see expected.json
    assertThat(greedy.score()).isBetween(0.5f, 1f);
    assertThat(greedy.distribution()).isEmpty();
    try (Starter beams = new Starter(store, ModelOptions.DEFAULT.withBeams(4, 16))) {
      TaskPrediction best = beams.predict(beams.row(task, TEXTS.get(1), Optional.empty()));
      assertThat(best.text()).isEqualTo(greedy.text());
      assertThat(best.score()).isCloseTo(greedy.score(), within(1e-4f));
    }
  }

  @Test
  @DisplayName("a regression answer that is no number fails its row and leaves the others alone")
  void regressionFailure() {
    TaskDefinition task = text("rate", TaskKind.REGRESSION);
    PreparedRow bad = starter.row(task, TEXTS.get(1), Optional.empty());
    PreparedRow good = starter.row("pros_cons", TEXTS.get(1));

    List<RowResult> results = starter.model.predict(List.of(good, bad, good));

    assertThat(results.get(1))
        .isInstanceOfSatisfying(
            RowFailure.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(InferenceException.Code.MODEL_ERROR);
              assertThat(failure.message()).contains("'rate'").contains("no number");
            });
    assertThat(results.get(0)).isInstanceOf(TaskPrediction.class);
    assertThat(results.get(2)).isInstanceOf(TaskPrediction.class);
  }

  @Test
  @DisplayName("weights that are gone are no row's fault: the batch says which file is missing")
  void missingWeights() {
    Path gone = store.resolve("gone.safetensors");
    TaskAdapter missing = new TaskAdapter("pros_cons", 7, new AdapterForm.Weights(gone));
    PreparedRow row =
        starter.model.prepare(starter.tasks.get("pros_cons"), missing, "nice", Optional.empty());
    assertThatThrownBy(() -> starter.model.predict(List.of(starter.row("pros_cons", "x"), row)))
        .isInstanceOfSatisfying(
            MissingWeightsException.class, e -> assertThat(e.file()).isEqualTo(gone));
  }

  @Test
  @DisplayName("a damaged adapter fails its rows and leaves the others alone")
  void unusableAdapter() {
    TaskDefinition task = starter.tasks.get("pros_cons");
    TaskAdapter misnamed = new TaskAdapter("pros_cons", 7, new AdapterForm.Named("gone"));
    float[] values = new float[64];
    values[3] = Float.NaN;
    TaskAdapter diverged = new TaskAdapter("pros_cons", 8, new AdapterForm.Embedding(values));
    List<RowResult> results =
        starter.model.predict(
            List.of(
                starter.model.prepare(task, misnamed, "nice", Optional.empty()),
                starter.row("pros_cons", "nice"),
                starter.model.prepare(task, diverged, "nice", Optional.empty())));
    assertThat(results.get(0))
        .isInstanceOfSatisfying(
            RowFailure.class,
            failure -> assertThat(failure.message()).contains("version 7").contains("gone"));
    assertThat(results.get(1)).isInstanceOf(TaskPrediction.class);
    assertThat(results.get(2))
        .isInstanceOfSatisfying(
            RowFailure.class,
            failure -> assertThat(failure.message()).contains("version 8").contains("finite"));
  }

  @Test
  @DisplayName("texts and tasks the model can never answer are refused with a code and a reason")
  void refusals() {
    TaskDefinition pros = starter.tasks.get("pros_cons");
    refused(() -> starter.row(pros, " \n\t", Optional.empty()), "EMPTY_TEXT", "empty");
    refused(() -> starter.row(pros, "\u200b", Optional.empty()), "EMPTY_TEXT", "visible");
    TaskDefinition pair = starter.tasks.get("cad_snli");
    refused(() -> starter.row(pair, "a", Optional.empty()), "MISSING_TEXT_PAIR", "cad_snli");
    refused(() -> starter.row(pair, "a", Optional.of(" ")), "MISSING_TEXT_PAIR", "cad_snli");
    TaskDefinition strict = text("strict", TaskKind.GENERATION);
    refused(
        () -> starter.row(strict, "word ".repeat(200), Optional.empty()), "TEXT_TOO_LONG", "96");
    TaskDefinition twins =
        new TaskDefinition(
            "twins",
            TaskKind.CLASSIFICATION,
            List.of(Label.of("Yes"), Label.of("yes")),
            Template.SINGLE,
            Template.PAIR,
            "",
            OverLengthPolicy.TRUNCATE,
            LabelScoring.EXACT,
            List.of());
    refused(() -> starter.row(twins, "a", Optional.empty()), "INVALID_TASK", "'Yes' and 'yes'");
    TaskAdapter foreign = new TaskAdapter("pros_cons", 3, new AdapterForm.Embedding(new float[8]));
    refused(
        () -> starter.model.prepare(pros, foreign, "a", Optional.empty()),
        "INVALID_TASK",
        "8 values; this model's have 64");
  }

  private static void refused(ThrowingCallable call, String code, String words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).hasToString(code))
        .hasMessageContaining(words);
  }

  @Test
  @DisplayName("a text that is too long is cut, flagged, and answered")
  void truncation() {
    TaskPrediction prediction = starter.predict(starter.row("pros_cons", "great ".repeat(500)));
    assertThat(prediction.truncated()).isTrue();
    assertThat(starter.row("pros_cons", "great ".repeat(500)).inputIds()).hasSize(96);
    assertThat(starter.predict(starter.row("pros_cons", "great")).truncated()).isFalse();
  }

  @Test
  @DisplayName("an unpublished task starts from what it names, its namesake, or the mean")
  void startingAdapters() {
    TaskDefinition known = starter.tasks.get("hwu64");
    TaskDefinition unknown = TaskDefinition.classification("new_task", List.of("a", "b"));
    float[] own = embedding(known);
    assertThat(starter.model.startingAdapter(known).version()).isZero();
    assertThat(embedding(TaskDefinition.classification("hwu64", List.of("a", "b")))).isEqualTo(own);
    assertThat(embedding(text("any", TaskKind.GENERATION)))
        .isEqualTo(embedding(starter.tasks.get("pros_cons")));
    float[] mean = embedding(unknown);
    float sum = 0;
    for (TaskDefinition task : starter.tasks.values()) {
      sum += embedding(task)[0];
    }
    assertThat(mean[0]).isCloseTo(sum / 18, within(1e-5f));
    TaskDefinition wrong =
        new TaskDefinition(
            "x",
            TaskKind.GENERATION,
            List.of(),
            Template.SINGLE,
            Template.PAIR,
            "",
            OverLengthPolicy.TRUNCATE,
            LabelScoring.EXACT,
            List.of("nowhere"));
    refused(() -> starter.model.startingAdapter(wrong), "INVALID_TASK", "'nowhere'");
  }

  private static float[] embedding(TaskDefinition task) {
    return ((AdapterForm.Embedding) starter.model.startingAdapter(task).form()).values();
  }

  @Test
  @DisplayName("an empty batch is answered by an empty list; a closed model refuses")
  void emptyAndClosed() throws IOException {
    assertThat(starter.model.predict(List.of())).isEmpty();
    Starter other = new Starter(store, ModelOptions.DEFAULT);
    PreparedRow row = other.row("pros_cons", "nice");
    other.close();
    other.close();
    assertThatThrownBy(() -> other.model.predict(List.of(row)))
        .isInstanceOf(IllegalStateException.class);
  }
}
