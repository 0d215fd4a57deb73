package io.hyperstream.model.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Parity with the published implementation")
class ParityCheckTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");

  @TempDir Path folder;

  @Test
  @DisplayName("every expectation of every fixture is met")
  void allFixtures() throws IOException {
    ParityReport report = ParityCheck.run(FIXTURES);

    assertThat(report.fixtures())
        .extracting(ParityReport.Fixture::name)
        .containsExactly(
            "adapters",
            "hyperformer",
            "hyperformerpp",
            "hyperformerpp_prenorm",
            "hyperformerpp_xbias",
            "misc",
            "t5",
            "t5_v11");
    assertThat(report.fixtures())
        .allSatisfy(
            fixture ->
                assertThat(fixture.checks())
                    .as(fixture.name())
                    .isNotEmpty()
                    .allMatch(ParityReport.Check::pass));
    assertThat(report.pass()).isTrue();
    assertThat(report.fixtures())
        .as("nothing is left out")
        .flatExtracting(ParityReport.Fixture::notChecked)
        .isEmpty();
    assertThat(checks(report, "misc")).contains("sampler.temperature10.probabilities");
    for (String name : List.of("adapters", "hyperformer", "hyperformerpp", "t5")) {
      assertThat(checks(report, name))
          .anyMatch(check -> check.startsWith("grad.cola."))
          .anyMatch(check -> check.startsWith("after3."))
          .anyMatch(check -> check.startsWith("after5_linear."));
    }
  }

  private static List<String> checks(ParityReport report, String name) {
    return report.fixtures().stream()
        .filter(fixture -> fixture.name().equals(name))
        .flatMap(fixture -> fixture.checks().stream())
        .map(ParityReport.Check::check)
        .toList();
  }

  @Test
  @DisplayName("an optimiser step or a gradient that is off fails")
  void perturbedTraining() throws IOException {
    copy("t5");
    Path trained = folder.resolve("t5.train.safetensors");
    Files.copy(FIXTURES.resolve("t5.train.safetensors"), trained);
    rewrite(
        trained,
        (name, array) ->
            name.startsWith("after1.")
                ? name.contains("final_layer") ? array.add(3e-4f) : array
                : null);
    perturb(folder.resolve("t5.expected.safetensors"), "grad.cola.shared.weight", 1);

    assertThat(failed())
        .contains("after1.encoder.final_layer_norm.weight", "grad.cola.shared.weight")
        .doesNotContain("after1.shared.weight");
  }

  @Test
  @DisplayName("the kinds of checks of a fixture with adapters")
  void coverage() throws IOException {
    copy("hyperformerpp");

    List<String> checks =
        ParityCheck.run(folder).fixtures().get(0).checks().stream()
            .map(ParityReport.Check::check)
            .toList();

    assertThat(checks)
        .contains(
            "batch.cola.encoder_last_hidden",
            "batch.cola.logits",
            "batch.cola.target_log_probs",
            "batch.cola.loss_label_smoothed_sum",
            "batch.cola.loss_ce_mean",
            "batch.sst2.generate.beam4_early_lp06",
            "batch.sst2.generate.beam4_early_lp06.sum_log_prob",
            "mixed.logits",
            "mixed.generate.greedy_short",
            "adapter.rte.decoder.1.feed_forward.up.weight",
            "parameter_counts.trainable");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "encoder.block.1.layer.0.SelfAttention.k.weight",
        "decoder.block.1.layer.2.layer_norm.weight",
        "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        "encoder.adapter_layers_hyper_net.adapters_block_type.weight",
        "decoder.adapter_layers_hyper_net.post_layernorm_hypernet.bias_generator.bias",
        "task_embedding_controller.task_to_embeddings.rte"
      })
  @DisplayName("weights that are off by a hundredth fail")
  void perturbedWeights(String name) throws IOException {
    copy("hyperformerpp");
    Path weights = folder.resolve("hyperformerpp.weights.safetensors");
    perturb(weights, name, 0.01f);

    ParityReport report = ParityCheck.run(folder);

    assertThat(report.pass()).isFalse();
    JsonNode json = new ObjectMapper().readTree(report.toJson());
    assertThat(json.path("pass").asBoolean(true)).isFalse();
    assertThat(json.path("fixtures").get(0).path("name").asText()).isEqualTo("hyperformerpp");
    JsonNode check = json.path("fixtures").get(0).path("checks").get(0);
    assertThat(check.fieldNames()).toIterable().containsExactly("check", "maxAbsDiff", "pass");
  }

  @Test
  @DisplayName("a single different token, shape or value that is not a number fails")
  void perturbedExpectations() throws IOException {
    copy("t5");
    Path expected = folder.resolve("t5.expected.safetensors");

    perturb(expected, "batch.rte.generate.beam4", 1);
    assertThat(failed()).containsExactly("batch.rte.generate.beam4");
    perturb(expected, "batch.cola.loss_ce_mean", Float.NaN);
    assertThat(failed())
        .containsExactlyInAnyOrder("batch.rte.generate.beam4", "batch.cola.loss_ce_mean");
  }

  @Test
  @DisplayName("a folder without fixtures, or with half of one, is an error and not a pass")
  void missingFiles() throws IOException {
    assertThatThrownBy(() -> ParityCheck.run(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("holds no fixture");
    assertThatThrownBy(() -> ParityCheck.run(folder.resolve("nowhere")))
        .hasMessageContaining("is not a folder");
    copy("t5");
    Files.delete(folder.resolve("t5.expected.safetensors"));
    assertThatThrownBy(() -> ParityCheck.run(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("t5.expected.safetensors");
    Files.writeString(folder.resolve("t5.json"), "{\"hello\":1}");
    assertThatThrownBy(() -> ParityCheck.run(folder)).hasMessageContaining("is no fixture");
  }

  @Test
  @DisplayName("expectations without a batch's core results are an error")
  void missingExpectation() throws IOException {
    copy("t5");
    rewrite(
        folder.resolve("t5.expected.safetensors"),
        (name, array) -> name.equals("batch.sst2.logits") ? null : array);

    assertThatThrownBy(() -> ParityCheck.run(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no tensor 'batch.sst2.logits'");
  }

  private List<String> failed() throws IOException {
    return ParityCheck.run(folder).fixtures().get(0).checks().stream()
        .filter(check -> !check.pass())
        .map(ParityReport.Check::check)
        .toList();
  }

  private void copy(String name) throws IOException {
    for (String suffix : List.of(".json", ".weights.safetensors", ".expected.safetensors")) {
      Files.copy(FIXTURES.resolve(name + suffix), folder.resolve(name + suffix));
    }
  }

  private interface Change {
    NDArray of(String name, NDArray array);
  }

  /** Adds to the first value of a tensor. */
  private static void perturb(Path file, String name, float by) throws IOException {
    rewrite(
        file,
        (n, array) -> {
          if (!n.equals(name)) {
            return array;
          }
          NDArray first = array.zerosLike().flatten();
          first.set(new NDIndex(0), by);
          return array.add(first.reshape(array.getShape()));
        });
  }

  private static void rewrite(Path file, Change change) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    try (NDManager manager = Ops.newManager()) {
      Safetensors source = Safetensors.open(file);
      for (String name : source.names()) {
        NDArray changed = change.of(name, source.read(manager, name));
        if (changed != null) {
          writer.add(name, changed);
        }
      }
      writer.write(file);
    }
  }
}
