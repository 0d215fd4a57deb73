package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.prototype.HalfFloats;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrial.Options;
import io.hyperstream.model.training.FewShotTrial.Result;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("What is remembered of a task's texts")
class FewShotMemoryTest {
  @TempDir static Path folder;

  private static final String BARE = FewShotModel.BARE;
  private static final TaskDefinition TASK =
      TaskDefinition.classification("animals", List.of("cat", "dog"));

  private static final List<Example> EXAMPLES =
      List.of(
          Example.of("it purrs on the sofa all day", "cat"),
          Example.of("she fetched the stick from the lake", "dog"),
          Example.of("it catches mice in the cellar", "cat"),
          Example.of("he barks at the postman", "dog"),
          Example.of("it climbed the curtain again", "cat"),
          Example.of("a walk on the leash before breakfast", "dog"));

  private static int threads;
  private static StoredModel stored;
  private static MultiTaskModel serving;
  private static FewShotModel model;

  @BeforeAll
  static void open() throws Exception {
    threads = Ops.setThreads(1);
    stored = ShippedModel.BGE_SMALL.install(new FileModelStore(folder.resolve("store")));
    serving = MultiTaskModel.open(stored, ModelOptions.DEFAULT);
    model = FewShotModel.beside(serving);
  }

  @AfterAll
  static void close() {
    model.close();
    serving.close();
    Ops.setThreads(threads);
  }

  private static Result trial(FewShotMemory memory) {
    Options options = new Options(Method.AUTO, true, Optional.empty(), 3, () -> false);
    return new FewShotTrial(model)
        .run(memory, memory.initialAdapter(), EXAMPLES, new boolean[6], List.of(), options);
  }

  /** As a store has it. */
  private static float[] kept(FewShotMemory memory, Example example) {
    byte[] half = HalfFloats.encode(memory.vector(BARE, example).orElseThrow());
    return HalfFloats.decode(ByteBuffer.wrap(half));
  }

  @Test
  @DisplayName("vectors that were kept give the same version, bit for bit, and no text is encoded")
  void sameVersion() {
    FewShotMemory fresh = new FewShotMemory(model, TASK);
    assertThat(fresh.keepsVectors()).isTrue();
    Result first = trial(fresh);
    FewShotMemory again = new FewShotMemory(model, TASK);
    assertThat(again.vectorSettings()).isEqualTo(fresh.vectorSettings());
    EXAMPLES.forEach(example -> again.remember(BARE, example, kept(fresh, example)));
    int[] passes = {0};
    again.run(List.of(BARE), EXAMPLES, () -> passes[0]++);
    assertThat(passes[0]).isZero();
    Result second = trial(again);
    assertThat(second.after()).isEqualTo(first.after());
    assertThat(second.before()).isEqualTo(first.before());
    var before = first.candidate().orElseThrow().head().orElseThrow();
    var after = second.candidate().orElseThrow().head().orElseThrow();
    assertThat(after.center()).isEqualTo(before.center());
    for (Example example : EXAMPLES) {
      assertThat(again.answers(BARE, Optional.of(after), List.of(example)))
          .isDeepEqualTo(fresh.answers(BARE, Optional.of(before), List.of(example)));
    }
  }

  @Test
  @DisplayName("only texts that are new are encoded")
  void newTexts() {
    FewShotMemory fresh = new FewShotMemory(model, TASK);
    fresh.run(List.of(BARE), EXAMPLES, () -> {});
    FewShotMemory again = new FewShotMemory(model, TASK);
    EXAMPLES.forEach(example -> again.remember(BARE, example, kept(fresh, example)));
    List<Example> more = new ArrayList<>(EXAMPLES);
    Example unknown = Example.of("it sleeps in the basket", "dog");
    more.add(unknown);
    assertThat(again.vector(BARE, unknown)).isEmpty();
    int[] passes = {0};
    again.run(List.of(BARE), more, () -> passes[0]++);
    assertThat(passes[0]).isEqualTo(1);
    assertThat(again.vector(BARE, unknown)).isPresent();
    assertThat(again.vector(BARE, EXAMPLES.get(0)).orElseThrow())
        .isEqualTo(fresh.vector(BARE, EXAMPLES.get(0)).orElseThrow());
  }

  @Test
  @DisplayName(
      "what is prepared while examples are too few for a trial is not run in the first one")
  void preparedEarly() {
    FewShotMemory memory = new FewShotMemory(model, TASK);
    Options options = new Options(Method.AUTO, true, Optional.empty(), 3, () -> false);
    new FewShotTrial(model).prepare(memory, EXAMPLES.subList(0, 1), options);
    new FewShotTrial(model).prepare(memory, EXAMPLES.subList(0, 3), options);
    assertThat(memory.known()).isEqualTo(3 * memory.starts().size());
    trial(memory);
    assertThat(memory.known()).isEqualTo(6 * memory.starts().size());
  }

  @Test
  @DisplayName("a version answers as it is served: the same labels, up to half precision")
  void asServed() {
    FewShotMemory memory = new FewShotMemory(model, TASK);
    Result result = trial(memory);
    TaskAdapter version =
        new TaskAdapter(
            TASK.taskId(), 1, new AdapterForm.None(), result.candidate().orElseThrow().head());
    double[][] remembered = memory.answers(version, EXAMPLES);
    for (int i = 0; i < EXAMPLES.size(); i++) {
      var row = serving.prepare(TASK, version, EXAMPLES.get(i).text(), Optional.empty());
      TaskPrediction answer = (TaskPrediction) serving.predict(List.of(row)).get(0);
      int best = remembered[i][0] >= remembered[i][1] ? 0 : 1;
      assertThat(answer.label()).hasValue(TASK.labels().get(best).name());
    }
    double[][] exact = model.predict(TASK, version, EXAMPLES);
    for (int i = 0; i < exact.length; i++) {
      assertThat(Arrays.stream(remembered[i]).max().orElseThrow())
          .isCloseTo(Arrays.stream(exact[i]).max().orElseThrow(), within(2e-3));
    }
  }

  @Test
  @DisplayName("another template, length or treatment of long texts has other vectors")
  void settings() throws Exception {
    String settings = new FewShotMemory(model, TASK).vectorSettings();
    try (FewShotModel shorter =
        FewShotModel.open(stored, ModelOptions.DEFAULT.withMaxSourceTokens(64))) {
      assertThat(new FewShotMemory(shorter, TASK).vectorSettings()).isNotEqualTo(settings);
    }
    TaskDefinition labels = TaskDefinition.classification("animals", List.of("cat", "dog", "cow"));
    assertThat(new FewShotMemory(model, labels).vectorSettings()).isEqualTo(settings);
  }

  @Test
  @DisplayName("is forgotten with its text, and of unknown starts nothing is taken")
  void forgotten() {
    FewShotMemory memory = new FewShotMemory(model, TASK);
    float[] any = new float[768];
    memory.remember("odd", EXAMPLES.get(0), any);
    memory.remember(BARE, EXAMPLES.get(1), any);
    memory.keepOnly(List.of(EXAMPLES.get(0)));
    int[] passes = {0};
    memory.run(List.of(BARE), EXAMPLES.subList(0, 2), () -> passes[0]++);
    assertThat(passes[0]).isEqualTo(1);
    assertThat(memory.vector(BARE, EXAMPLES.get(1)).orElseThrow()).isNotEqualTo(any);
  }

  @Test
  @DisplayName("keeps no vectors of a model whose decoder scores labels")
  void decoder() throws Exception {
    try (FewShotModel decoder =
        FewShotModel.open(StarterModel.install(new FileModelStore(folder.resolve("starter"))))) {
      FewShotMemory memory = new FewShotMemory(decoder, TASK);
      assertThat(memory.keepsVectors()).isFalse();
      memory.remember(FewShotModel.MEAN, EXAMPLES.get(0), new float[64]);
      int[] passes = {0};
      memory.run(List.of(FewShotModel.MEAN), EXAMPLES.subList(0, 1), () -> passes[0]++);
      assertThat(passes[0]).isEqualTo(1);
    }
  }
}
