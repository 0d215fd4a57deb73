package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ImportOptions;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Multi-task training")
class MultiTaskTrainerTest {
  private static SentencePieceTokenizer tokenizer;
  private static List<TaskData> tasks;

  @TempDir Path folder;

  @BeforeAll
  static void data() throws Exception {
    tokenizer = SentencePieceTokenizer.open(TinyTasks.tokenizerFile());
    tasks = TinyTasks.two(tokenizer);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private static ModelSource source(AdapterConfig.Kind kind) throws Exception {
    AdapterConfig config =
        new AdapterConfig(
            kind,
            List.of("weather", "drinks"),
            32,
            16,
            16,
            32,
            Activation.GELU_NEW,
            false,
            true,
            true,
            true,
            0);
    return ModelSource.backbone(StarterFiles.directory().resolve("backbone"))
        .withAdapters(config, 3);
  }

  private static TrainingOptions options(int steps, double rate, boolean mixed) {
    return new TrainingOptions(
        Trainable.ADAPTERS,
        AdamW.Config.paper(),
        Schedule.linear(rate, 2, steps),
        steps,
        8,
        mixed ? 40 : 0,
        1,
        10,
        mixed,
        0.1,
        0.1,
        Math.max(1, steps / 3),
        1,
        0,
        5,
        1);
  }

  @Test
  @DisplayName("learns tasks the model did not know, and what it writes serves them")
  void learnsAndServes() throws Exception {
    Path run = folder.resolve("run");
    TrainingOptions options = options(90, 5e-3, false);

    MultiTaskTrainer.Result result =
        MultiTaskTrainer.train(
            source(AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS),
            tasks,
            options,
            run,
            TrainingListener.NONE);

    assertThat(result.finished()).isTrue();
    assertThat(result.best()).isGreaterThan(0.9);
    assertThat(result.test()).isEqualTo(result.validation()).containsKeys("weather", "drinks");
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl"))).hasSize(3);
    assertThat(run.resolve("training.html")).content().contains("<polyline");
    var store = new FileModelStore(folder.resolve("store"));
    var stored =
        LoadedModel.importer(store)
            .importFolder(run.resolve(MultiTaskTrainer.MODEL), ImportOptions.DEFAULT);
    try (MultiTaskModel model = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      int correct = 0;
      List<String> texts = List.of("there is rain here", "I saw some sun today", "warm again");
      List<String> labels = List.of("rainy", "sunny", "sunny");
      for (int i = 0; i < texts.size(); i++) {
        TaskDefinition task = tasks.get(0).task();
        TaskAdapter start = model.startingAdapter(task);
        var row = model.prepare(task, start, texts.get(i), Optional.empty());
        TaskPrediction answer = (TaskPrediction) model.predict(List.of(row)).get(0);
        correct += answer.label().orElseThrow().equals(labels.get(i)) ? 1 : 0;
      }
      assertThat(correct).isEqualTo(3);
    }
  }

  @Test
  @DisplayName("goes on after a kill to the very same weights")
  void resumes() throws Exception {
    for (boolean mixed : new boolean[] {false, true}) {
      TrainingOptions options = options(6, 1e-3, mixed);
      Path straight = folder.resolve("straight" + mixed);
      Path killed = folder.resolve("killed" + mixed);
      AdapterConfig.Kind kind = mixed ? AdapterConfig.Kind.PLAIN : AdapterConfig.Kind.HYPERFORMER;
      MultiTaskTrainer.train(source(kind), tasks, options, straight, TrainingListener.NONE);

      assertThatThrownBy(
              () -> MultiTaskTrainer.train(source(kind), tasks, options, killed, new Killer(5)))
          .hasMessage("killed");
      var result =
          MultiTaskTrainer.train(source(kind), tasks, options, killed, TrainingListener.NONE);

      assertThat(result.steps()).isEqualTo(6);
      for (String file : List.of("state.safetensors", "best.safetensors", "metrics.jsonl")) {
        assertThat(killed.resolve(file)).as(file).hasSameBinaryContentAs(straight.resolve(file));
      }
    }
  }

  @Test
  @DisplayName("stops when asked to and goes on later")
  void stopped() throws Exception {
    TrainingOptions options = options(4, 1e-3, false);
    TrainingListener stopper =
        new TrainingListener() {
          private int asked;

          @Override
          public boolean stopRequested() {
            return asked++ == 2;
          }
        };
    ModelSource source = source(AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS);
    var first = MultiTaskTrainer.train(source, tasks, options, folder, stopper);
    assertThat(first.finished()).isFalse();
    assertThat(first.steps()).isEqualTo(2);
    var second = MultiTaskTrainer.train(source, tasks, options, folder, TrainingListener.NONE);
    assertThat(second.finished()).isTrue();

    assertThatThrownBy(
            () ->
                MultiTaskTrainer.train(
                    source, tasks, options(5, 1e-3, false), folder, TrainingListener.NONE))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("of another run");
  }

  @Test
  @DisplayName("stops early when nothing gets better")
  void patience() throws Exception {
    TrainingOptions still =
        new TrainingOptions(
            Trainable.ADAPTERS,
            AdamW.Config.paper(),
            Schedule.constant(0),
            50,
            4,
            0,
            2,
            1,
            false,
            0,
            0,
            1,
            0,
            2,
            0,
            1);
    var result =
        MultiTaskTrainer.train(
            source(AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS),
            tasks,
            still,
            folder,
            TrainingListener.NONE);
    assertThat(result.steps()).isEqualTo(3);
    assertThat(result.bestStep()).isEqualTo(1);
  }

  /** Throws in the middle of things, as a kill would. */
  private record Killer(int at) implements TrainingListener {
    @Override
    public void stepped(Step step) {
      if (step.step() == at) {
        throw new IllegalStateException("killed");
      }
    }
  }
}
