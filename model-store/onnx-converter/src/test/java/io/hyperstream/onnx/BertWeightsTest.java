package io.hyperstream.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The weights in an ONNX export of BERT")
class BertWeightsTest {
  private static final String QUERY = "encoder.layer.0.attention.self.query";
  private static final String INNER = "encoder.layer.1.intermediate.dense";

  @Test
  @DisplayName("come under Hugging Face's names, each one, and nothing else")
  void names() throws IOException {
    TinyBert bert =
        new TinyBert()
            .add("pooler.dense.weight", TinyBert.WIDTH, TinyBert.WIDTH)
            .store("embeddings.position_ids", 7, new byte[40], 1, 5)
            .put("a constant", new float[] {2});

    SortedMap<String, BertWeights.Tensor> tensors = BertWeights.of(bert.graph());

    assertThat(tensors).hasSize(5 + 16 * TinyBert.LAYERS);
    assertThat(tensors.keySet())
        .contains(
            "embeddings.word_embeddings.weight",
            "embeddings.LayerNorm.bias",
            "encoder.layer.0.attention.self.value.weight",
            "encoder.layer.1.attention.output.dense.bias",
            "encoder.layer.1.output.LayerNorm.weight")
        .noneMatch(name -> name.contains("onnx") || name.contains("pooler"));
  }

  @Test
  @DisplayName("that are matrices are found by their bias and turned to [out, in]")
  void matrices() throws IOException {
    TinyBert bert = new TinyBert();
    float[] stored = bert.values(TinyBert.matrix(INNER)); // [4, 6]

    BertWeights.Tensor weight = BertWeights.of(bert.graph()).get(INNER + ".weight");

    assertThat(weight.shape()).isEqualTo(List.of(TinyBert.INNER, TinyBert.WIDTH));
    for (int out = 0; out < TinyBert.INNER; out++) {
      for (int in = 0; in < TinyBert.WIDTH; in++) {
        assertThat(weight.values()[out * TinyBert.WIDTH + in])
            .isEqualTo(stored[in * TinyBert.INNER + out]);
      }
    }
  }

  @Test
  @DisplayName("that are no matrices stay as they are, whichever way their numbers are stored")
  void packed() throws IOException {
    String name = "embeddings.position_embeddings.weight";
    TinyBert bert = new TinyBert().pack(name);

    BertWeights.Tensor positions = BertWeights.of(bert.graph()).get(name);

    assertThat(positions.shape()).isEqualTo(List.of(5, TinyBert.WIDTH));
    assertThat(positions.values()).isEqualTo(bert.values(name));
  }

  private static void refused(TinyBert bert, String... words) {
    assertThatThrownBy(() -> BertWeights.of(bert.graph()))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("tiny.onnx")
        .hasMessageContainingAll(words);
  }

  @Test
  @DisplayName("are refused when one is missing, and named")
  void missing() {
    refused(
        new TinyBert().remove("encoder.layer.1.output.LayerNorm.bias"),
        "encoder.layer.1.output.LayerNorm.bias");
    refused(
        new TinyBert().remove("embeddings.word_embeddings.weight"),
        "word_embeddings",
        "torch.onnx");
    refused(new TinyBert().remove(QUERY + ".bias"), QUERY + ".bias");
  }

  @Test
  @DisplayName("are refused when one belongs to no part of the encoder")
  void unknown() {
    refused(new TinyBert().add("classifier.weight", 3, TinyBert.WIDTH), "classifier.weight");
    refused(
        new TinyBert().add("encoder.layer.3.attention.self.query.bias", 4),
        "encoder.layer.2.intermediate.dense.bias");
  }

  @Test
  @DisplayName("are refused when a bias is added to anything but one stored matrix's product")
  void biasWithoutMatrix() {
    refused(new TinyBert().removeNodes(), QUERY + ".bias", "to nothing");
    refused(
        new TinyBert().removeNodes().node("Add", List.of(QUERY + ".bias", "input"), "sum"),
        QUERY + ".bias",
        "'input'",
        "not to a MatMul's");
    refused(
        new TinyBert()
            .removeNodes()
            .node("DequantizeLinear", List.of("x"), "p")
            .node("Add", List.of("p", QUERY + ".bias"), "sum"),
        "DequantizeLinear");
    refused(
        new TinyBert()
            .removeNodes()
            .node("MatMul", List.of("x", "y"), "p")
            .node("Add", List.of("p", QUERY + ".bias"), "sum"),
        "[x, y]");
  }

  @Test
  @DisplayName("are refused when two layers share a matrix")
  void shared() {
    String key = "encoder.layer.0.attention.self.key";
    refused(
        new TinyBert()
            .node("MatMul", List.of("x", TinyBert.matrix(QUERY)), "p")
            .node("Add", List.of("p", key + ".bias"), "sum"),
        TinyBert.matrix(QUERY),
        key);
  }

  @Test
  @DisplayName("are refused when a shape or a type is another")
  void shapes() {
    refused(new TinyBert().add(QUERY + ".bias", 5), QUERY + ".bias", "[5]", "[4]");
    refused(
        new TinyBert().add(TinyBert.matrix(INNER), TinyBert.INNER, TinyBert.WIDTH),
        INNER + ".weight",
        "[6, 4]",
        "[4, 6]");
    refused(
        new TinyBert().store(QUERY + ".bias", 10, new byte[8], 4), QUERY + ".bias", "data type 10");
    refused(new TinyBert().add("embeddings.word_embeddings.weight", 28), "[28]", "vocabulary");
    refused(new TinyBert().removeLayer(0).removeLayer(1), "encoder.layer.0");
  }
}
