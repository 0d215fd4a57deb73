package io.hyperstream.model.t5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.tensor.Activation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("T5 configuration")
class T5ConfigTest {
  private static final String SHAPE =
      "\"vocab_size\":32128,\"d_model\":512,\"d_kv\":64,\"d_ff\":1024,\"num_heads\":6,"
          + "\"num_layers\":8";

  @TempDir Path folder;

  private T5Config read(String json) throws IOException {
    return T5Config.read(Files.writeString(folder.resolve("config.json"), "{" + json + "}"));
  }

  @Test
  @DisplayName("the first T5's file: ReLU, tied and scaled, defaults where it says nothing")
  void original() throws IOException {
    T5Config config = read(SHAPE + ",\"architectures\":[\"T5WithLMHeadModel\"]");

    assertThat(config.activation()).isEqualTo(Activation.RELU);
    assertThat(config.gated()).isFalse();
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.scaledOutput()).isTrue();
    assertThat(config.decoderLayers()).isEqualTo(8);
    assertThat(config.innerWidth()).isEqualTo(384);
    assertThat(config.buckets()).isEqualTo(32);
    assertThat(config.maxDistance()).isEqualTo(128);
    assertThat(config.layerNormEps()).isEqualTo(1e-6);
    assertThat(config.crossBias()).isFalse();
    assertThat(config.padId()).isZero();
    assertThat(config.eosId()).isEqualTo(1);
  }

  @Test
  @DisplayName("v1.1 and Flan: gated tanh-GELU, untied, unscaled")
  void flan() throws IOException {
    T5Config config =
        read(
            SHAPE
                + ",\"model_type\":\"t5\",\"feed_forward_proj\":\"gated-gelu\","
                + "\"is_gated_act\":true,\"dense_act_fn\":\"gelu_new\","
                + "\"tie_word_embeddings\":false,\"num_decoder_layers\":4");

    assertThat(config.activation()).isEqualTo(Activation.GELU_NEW);
    assertThat(config.gated()).isTrue();
    assertThat(config.tiedEmbeddings()).isFalse();
    assertThat(config.scaledOutput()).isFalse();
    assertThat(config.decoderLayers()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource({
    "relu, RELU, false",
    "gated-silu, SWISH, true",
    "gelu, GELU, false",
    "gated-relu, RELU, true"
  })
  @DisplayName("other feed-forwards by name")
  void feedForward(String name, Activation activation, boolean gated) throws IOException {
    T5Config config = read(SHAPE + ",\"model_type\":\"t5\",\"feed_forward_proj\":\"" + name + "\"");

    assertThat(config.activation()).isEqualTo(activation);
    assertThat(config.gated()).isEqualTo(gated);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"model_type\":\"bert\" | model_type 'bert' is not supported",
        "\"model_type\":\"umt5\" | model_type 'umt5' is not supported",
        "\"model_type\":\"t5\",\"architectures\":[\"T5EncoderModel\"] | 'T5EncoderModel'",
        "\"model_type\":\"t5\",\"feed_forward_proj\":\"gated-maxout\" | activation 'maxout'",
        "\"model_type\":\"t5\",\"quantization_config\":{} | quantized",
        "\"model_type\":\"t5\",\"num_decoder_layers\":0 | num_decoder_layers must be 1",
        "\"model_type\":\"t5\",\"num_decoder_layers\":\"two\" | must be an integer",
        "\"model_type\":\"t5\",\"eos_token_id\":40000 | eos_token_id must be 0 to 32127",
        "\"model_type\":\"t5\",\"layer_norm_epsilon\":0 | layer_norm_epsilon",
        "\"model_type\":\"t5\",\"tie_encoder_decoder\":true | weights of their own",
        "\"dropout_rate\":0.1 | neither model_type nor architectures"
      })
  @DisplayName("what it cannot run is refused by name")
  void refused(String fields, String message) {
    assertThatThrownBy(() -> read(SHAPE + "," + fields))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(message);
  }

  @Test
  @DisplayName("a missing field is named; a file that is no JSON is refused")
  void incomplete() {
    assertThatThrownBy(() -> read("\"model_type\":\"t5\"")).hasMessageContaining("no 'num_layers'");
    assertThatThrownBy(() -> read("oops")).hasMessageContaining("not valid JSON");
  }
}
