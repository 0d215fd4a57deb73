package io.hyperstream.model.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("Parameter accounting")
class ParameterCountTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @ParameterizedTest(name = "{0}, reduction {1}")
  @CsvSource({
    "efficient_unique_hyper_net, 32, 5211056, 0.292, 1.023",
    "efficient_unique_hyper_net, 16, 10006496, 0.561, 1.045",
    "unique_hyper_net, 32, 10289376, 0.577, 1.046",
    "plain, 32, 14581248, 0.818, 1.065"
  })
  @DisplayName("T5-base with eight tasks comes out as the paper's table")
  void paperTable(String form, int reduction, long trained, double percent, double ratio)
      throws Exception {
    ParameterCount count =
        ParameterCount.of(t5(768, 64, 3072, 12, 12), adapter(form, reduction), 8);

    assertThat(count.backbone()).isEqualTo(222_903_552L);
    assertThat(count.trained()).isEqualTo(trained);
    assertThat(count.percentPerTask()).isCloseTo(percent, within(0.0005));
    assertThat(count.ratio()).isCloseTo(ratio, within(0.0005));
    assertThat(count.total()).isEqualTo(count.backbone() + trained - count.norms());
  }

  @Test
  @DisplayName("HyperFormer++ is made of task embeddings, norms and two hypernetworks")
  void parts() throws Exception {
    ParameterCount count =
        ParameterCount.of(t5(768, 64, 3072, 12, 12), adapter("efficient_unique_hyper_net", 32), 8);

    assertThat(count.taskEmbeddings()).isEqualTo(512);
    assertThat(count.norms()).isEqualTo(47_616);
    assertThat(count.hyperNetworks()).isEqualTo(2 * 2_581_464L);
  }

  @Test
  @DisplayName("T5-small comes out as published too")
  void small() throws Exception {
    ParameterCount count =
        ParameterCount.of(t5(512, 64, 2048, 6, 8), adapter("efficient_unique_hyper_net", 32), 8);

    assertThat(count.trained()).isEqualTo(2_415_776);
    assertThat(count.percentPerTask()).isCloseTo(0.499, within(0.0005));
  }

  @Test
  @DisplayName("the bare backbone has nothing trained per task and ratio 1")
  void bare() throws Exception {
    ParameterCount count = ParameterCount.of(t5(768, 64, 3072, 12, 12));

    assertThat(count.total()).isEqualTo(count.backbone());
    assertThat(count.percentPerTask()).isZero();
    assertThat(count.ratio()).isEqualTo(1);
  }

  private static T5Config t5(int d, int dKv, int ff, int layers, int heads) throws Exception {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("vocab_size", 32_128).put("d_model", d).put("d_kv", dKv).put("d_ff", ff);
    json.put("num_layers", layers).put("num_heads", heads);
    return T5Config.fromJson(json);
  }

  private static AdapterConfig adapter(String form, int reduction) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put(form, true).put("reduction_factor", reduction);
    json.put("task_embedding_dim", 64).put("projected_task_embedding_dim", 64);
    json.put("task_hidden_dim", 128).put("non_linearity", "gelu_new");
    json.put("conditional_layer_norm", true);
    return AdapterConfig.fromJson(
        json, form.equals("plain") ? "adapter" : "meta-adapter", List.of());
  }
}
