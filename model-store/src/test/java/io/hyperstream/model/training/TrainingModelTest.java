package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A model in training")
class TrainingModelTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
  private static final TrainingBatch BATCH =
      new TrainingBatch(
          List.of("cola", "cola", "rte"),
          new int[][] {{5, 9, 44, 1}, {7, 1}, {33, 12, 60, 61, 62, 1}},
          new int[][] {{20, 1}, {21, 22, 1}, {20, 1}});

  private TrainingModel model;
  private boolean recording;

  @BeforeEach
  void load() throws Exception {
    recording = Ops.setRecording(true);
    model = model(Trainable.ADAPTERS);
  }

  @AfterEach
  void free() {
    model.close();
    Ops.setRecording(recording);
  }

  static TrainingModel model(Trainable trainable) throws Exception {
    JsonNode json = new ObjectMapper().readTree(FIXTURES.resolve("hyperformerpp.json").toFile());
    Safetensors weights = Safetensors.open(FIXTURES.resolve("hyperformerpp.weights.safetensors"));
    AdapterConfig adapters =
        AdapterConfig.fromJson(
            json.path("adapter"), "meta-adapter", List.of("cola", "rte", "sst2"));
    return T5Training.load(
        T5Config.fromJson(json.path("t5")), weights, Optional.of(adapters), weights, trainable);
  }

  @Test
  @DisplayName("drops out by seed: the same seed the same loss, another seed another")
  void dropout() {
    double none = loss(0, 1);
    assertThat(loss(0.2, 1)).isEqualTo(loss(0.2, 1)).isNotEqualTo(loss(0.2, 2));
    assertThat(loss(0.2, 1)).isNotEqualTo(none);
    assertThat(loss(0, 2)).isEqualTo(none);
  }

  @Test
  @DisplayName("adds up the gradients of parts of a batch to the gradient of the whole")
  void accumulation() {
    NDArray embedding = parameter("task_embedding_controller.task_to_embeddings.cola");
    float[] whole = gradient(embedding, BATCH);
    Autograd.clearGradient(embedding);
    gradient(embedding, rows(0, 1));
    gradient(embedding, rows(1, 2));
    float[] parts = gradient(embedding, rows(2, 3));
    for (int i = 0; i < whole.length; i++) {
      assertThat(parts[i]).isCloseTo(whole[i], within(1e-4f * Math.abs(whole[i]) + 1e-5f));
    }
  }

  @Test
  @DisplayName("trains what was chosen: nothing frozen gets a gradient")
  void selection() throws Exception {
    assertThat(model.parameters())
        .extracting(Parameter::id)
        .contains(
            "task_embedding_controller.task_to_embeddings.sst2",
            "encoder.final_layer_norm.weight",
            "decoder.adapter_layers_hyper_net.layer_id_embeddings.weight")
        .doesNotContain("shared.weight", "encoder.block.0.layer.0.SelfAttention.q.weight");
    assertThat(model.trainedValues()).isEqualTo(11_280);
    try (TrainingModel embeddings = model(new Trainable(false, false, false, true, true))) {
      assertThat(embeddings.parameters())
          .extracting(Parameter::id)
          .doesNotContain("encoder.final_layer_norm.weight");
    }
    try (TrainingModel all = model(Trainable.EVERYTHING)) {
      assertThat(all.trainedValues()).isEqualTo(56_592);
    }
  }

  private double loss(double dropout, long seed) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Autograd.seed(seed);
      return model.loss(BATCH, 0.1, dropout).getFloat();
    }
  }

  private float[] gradient(NDArray leaf, TrainingBatch batch) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Autograd.backward(model.loss(batch, 0.1, 0));
      return Autograd.gradient(leaf).toFloatArray();
    }
  }

  private NDArray parameter(String id) {
    return model.parameters().stream()
        .filter(p -> p.id().equals(id))
        .findFirst()
        .orElseThrow()
        .value();
  }

  private static TrainingBatch rows(int from, int to) {
    return new TrainingBatch(
        BATCH.tasks().subList(from, to),
        java.util.Arrays.copyOfRange(BATCH.ids(), from, to),
        java.util.Arrays.copyOfRange(BATCH.targets(), from, to));
  }
}
