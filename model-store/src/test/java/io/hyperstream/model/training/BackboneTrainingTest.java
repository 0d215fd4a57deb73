package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Training T5 itself")
class BackboneTrainingTest {
  private static final String UNTIED =
      ", \"feed_forward_proj\": \"gated-gelu\", \"tie_word_embeddings\": false";

  private static SentencePieceTokenizer tokenizer;

  @TempDir Path folder;

  @BeforeAll
  static void open() throws Exception {
    tokenizer = SentencePieceTokenizer.open(TinyTasks.tokenizerFile());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @ParameterizedTest(name = "seed {0}")
  @DisplayName("from scratch learns tiny tasks: from 9 nats per target token to below 0.1")
  @ValueSource(longs = {1, 2, 3})
  void fromScratch(long seed) throws Exception {
    ModelSource source = random("", seed);
    TrainingOptions options = TinyTasks.options(Trainable.EVERYTHING, 150, 2e-2, seed);
    LossKeeper losses = new LossKeeper();

    var result = train(source, TinyTasks.two(tokenizer), options, folder, losses);

    assertThat(losses.first).isGreaterThan(5);
    assertThat(losses.last).isLessThan(0.1);
    assertThat(result.best()).isEqualTo(1);
    // What was written is a backbone to go on from: a second run starts where the first ended.
    ModelSource written =
        ModelSource.backbone(folder.resolve(MultiTaskTrainer.MODEL).resolve("backbone"));
    LossKeeper again = new LossKeeper();
    train(
        written,
        TinyTasks.two(tokenizer),
        TinyTasks.options(Trainable.EVERYTHING, 2, 0, seed),
        Files.createDirectory(folder.resolve("again")),
        again);
    assertThat(again.first).isLessThan(0.2);
  }

  @Test
  @DisplayName("learns to say numbers, measured by both of the task's correlations")
  void regression() throws Exception {
    Path task = Files.createDirectory(folder.resolve("stsb"));
    StringBuilder rows = new StringBuilder();
    for (String word : List.of("cat", "tree", "river", "house", "stone", "cloud")) {
      rows.append("a ").append(word).append("\ta ").append(word).append("\t4.93\n");
      rows.append("a ").append(word).append("\tno bread\t1.0\n");
    }
    for (String split : List.of("train.tsv", "validation.tsv")) {
      Files.writeString(task.resolve(split), rows);
    }
    TaskData data = TaskData.read(TaskFolder.open(task), tokenizer, 32, 100);
    assertThat(tokenizer.decode(data.train().targets()[0])).isEqualTo("5.0");

    var result =
        train(
            random("", 1),
            List.of(data),
            TinyTasks.options(Trainable.EVERYTHING, 80, 1e-2, 1),
            folder,
            TrainingListener.NONE);

    assertThat(result.validation().get("stsb")).containsOnlyKeys("pearson", "spearman");
    assertThat(result.validation().get("stsb").values()).allMatch(value -> value > 0.9);
  }

  @Test
  @DisplayName("changes what was chosen and nothing else")
  void switches() throws Exception {
    Set<String> norms =
        new TreeSet<>(changed(UNTIED, new Trainable(false, true, false, true, true)));
    assertThat(norms).isNotEmpty().allMatch(name -> name.endsWith("layer_norm.weight"));

    assertThat(changed(UNTIED, new Trainable(true, true, false, true, true)))
        .containsAll(norms)
        .contains("shared.weight", "decoder.block.0.layer.2.DenseReluDense.wi_1.weight")
        .doesNotContain("lm_head.weight");
    assertThat(changed(UNTIED, new Trainable(false, false, true, false, false)))
        .containsExactly("lm_head.weight");
    // T5 v1.0's output projection is the embedding table.
    assertThat(changed("", new Trainable(true, true, false, true, true)))
        .containsAll(norms)
        .doesNotContain("shared.weight");
    assertThat(changed("", new Trainable(false, false, true, false, false)))
        .containsExactly("shared.weight");
    assertThatThrownBy(() -> changed("", new Trainable(false, false, false, true, true)))
        .hasMessageContaining("nothing of this model is to be trained");
  }

  /** The tensors a few steps changed. */
  private Set<String> changed(String config, Trainable trainable) throws Exception {
    ModelSource source = random(config, 4);
    Path run = Files.createTempDirectory(folder, "run");
    TrainingOptions options = TinyTasks.options(trainable, 4, 1e-2, 4);
    train(source, TinyTasks.two(tokenizer), options, run, TrainingListener.NONE);
    Safetensors after = Safetensors.open(run.resolve("model/backbone/model.safetensors"));
    Set<String> changed = new TreeSet<>();
    try (NDManager manager = Ops.newManager()) {
      for (String name : source.backbone().names()) {
        float[] was = source.backbone().read(manager, name).toFloatArray();
        if (!Arrays.equals(was, after.read(manager, name).toFloatArray())) {
          changed.add(name);
        }
      }
    }
    return changed;
  }

  private ModelSource random(String config, long seed) throws Exception {
    return ModelSource.random(TinyTasks.config(folder, config), TinyTasks.tokenizerFile(), seed);
  }

  private static MultiTaskTrainer.Result train(
      ModelSource source,
      List<TaskData> tasks,
      TrainingOptions options,
      Path run,
      TrainingListener listener)
      throws Exception {
    return MultiTaskTrainer.train(source, tasks, options, run, listener);
  }

  private static final class LossKeeper implements TrainingListener {
    private double first = Double.NaN;
    private double last;

    @Override
    public void stepped(Step step) {
      if (Double.isNaN(first)) {
        first = step.loss();
      }
      last = step.loss();
    }
  }
}
