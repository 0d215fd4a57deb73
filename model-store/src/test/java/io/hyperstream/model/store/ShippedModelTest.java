package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.TensorInfo;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("A model that ships with the code")
class ShippedModelTest {
  @TempDir Path dir;
  private FileModelStore store;

  @BeforeEach
  void open() throws IOException {
    store = new FileModelStore(dir.resolve("store"));
  }

  private static Map<String, String> sums(ShippedModel model) throws IOException {
    try (InputStream in = model.open("SHA256SUMS")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Checksums.parseSums(text.lines().toList(), model.modelName());
    }
  }

  @ParameterizedTest
  @MethodSource("io.hyperstream.model.store.ShippedModel#present")
  @DisplayName("is installed by its name, whole, with its card, and once")
  void install(ShippedModel model) throws IOException {
    StoredModel stored = ShippedModel.load(store, model.modelName());

    assertThat(stored.reference()).isEqualTo(model.modelName() + "@1");
    Map<String, String> files = new HashMap<>();
    for (Manifest.FileEntry file : stored.manifest().files()) {
      files.put(file.path(), file.sha256());
    }
    assertThat(files.remove("README.md")).isNotNull();
    assertThat(files).isEqualTo(sums(model));
    assertThat(stored.manifest().card().licence()).isNotBlank();
    assertThat(model.install(store)).isEqualTo(stored);
  }

  private static List<ShippedModel> encoders() {
    return ShippedModel.present().stream()
        .filter(model -> model == ShippedModel.BGE_SMALL || model == ShippedModel.MINILM)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("encoders")
  @DisplayName("that is an encoder has what Hugging Face's BertModel has, in Hugging Face's names")
  void encoder(ShippedModel model) throws IOException {
    StoredModel stored = model.install(store);

    boolean bge = model == ShippedModel.BGE_SMALL;
    Path backbone = stored.directory().resolve(Manifest.BACKBONE);
    Safetensors weights = Safetensors.open(backbone.resolve("model.safetensors"));
    assertThat(weights.names()).hasSize(5 + 16 * (bge ? 12 : 6));
    TensorInfo inner = weights.info("encoder.layer.5.intermediate.dense.weight");
    assertThat(inner.shape()).containsExactly(1536, 384);
    assertThat(inner.dtype()).isEqualTo(bge ? "F16" : "F32");
    assertThat(weights.info("embeddings.word_embeddings.weight").shape())
        .containsExactly(30522, 384);
    assertThat(backbone)
        .isDirectoryContaining("glob:**/tokenizer.json")
        .isDirectoryContaining("glob:**/modules.json")
        .isDirectoryContaining("glob:**/sentence_bert_config.json");
    assertThat(stored.hypernetwork().isPresent()).isEqualTo(bge);
    assertThat(stored.sourceTasks()).hasSize(bge ? 18 : 0);
    assertThat(stored.manifest().card().maxSourceTokens()).isEqualTo(bge ? 512 : 256);
  }

  @Test
  @DisplayName("is found by its name alone")
  void named() throws IOException {
    assertThat(ShippedModel.named("bge-small")).contains(ShippedModel.BGE_SMALL);
    assertThat(ShippedModel.named("bge-small@1")).isEmpty();
    assertThat(ShippedModel.present())
        .contains(ShippedModel.STARTER_T5_MINI, ShippedModel.BGE_SMALL);
    assertThatThrownBy(() -> ShippedModel.load(store, "bge-small@1"))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  @DisplayName("but not with this build says which jar is missing, unless it is in the store")
  void absent() throws IOException {
    assumeThat(ShippedModel.MINILM.isPresent()).as("-Pminilm adds it").isFalse();

    assertThatThrownBy(() -> ShippedModel.load(store, "minilm"))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining("minilm is not part of this build")
        .hasMessageContaining("all-minilm-l6-v2-VERSION.jar into lib/")
        .hasMessageContaining("-Pminilm");

    StoredModel starter = StarterModel.install(store);
    StoredModel put =
        store.publish(
            "minilm",
            starter.manifest().card(),
            folder -> Files.writeString(folder.resolve("README.md"), "From elsewhere."));
    assertThat(ShippedModel.load(store, "minilm")).isEqualTo(put);
  }
}
