package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ImportOptions;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("Import opens what serving will open, and refuses what could not be served")
class ImportRefusalTest {
  private static final String UNTIED = ", \"tie_word_embeddings\": false";
  private static final String LAYER = "encoder.layer.1.output.dense.weight";

  @TempDir Path dir;

  /** Makes a folder that is broken in one way. */
  private interface Breakage {
    TinyFolder make() throws IOException;
  }

  private static Arguments broken(String how, Breakage breakage, String... said) {
    return Arguments.of(how, breakage, List.of(said));
  }

  private static TinyFolder t5() throws IOException {
    return TinyFolder.t5("");
  }

  private static TinyFolder bert() throws IOException {
    return TinyFolder.bert();
  }

  static Stream<Arguments> t5Folders() {
    String norm = "encoder.final_layer_norm.weight";
    String wide = "decoder.block.0.layer.2.DenseReluDense.wo.weight";
    return Stream.of(
        broken(
            "weights are a Git LFS pointer",
            () -> t5().file("model.safetensors", TinyFolder.LFS_POINTER),
            "model.safetensors is a Git LFS pointer",
            "git lfs pull"),
        broken(
            "a shard is a Git LFS pointer",
            () -> t5().inShards().file("model-00002-of-00002.safetensors", TinyFolder.LFS_POINTER),
            "model-00002-of-00002.safetensors is a Git LFS pointer",
            "git lfs pull"),
        broken(
            "the tokenizer is a Git LFS pointer",
            () -> t5().file("spiece.model", TinyFolder.LFS_POINTER),
            "spiece.model is a Git LFS pointer",
            "git lfs pull"),
        broken(
            "of no family",
            () -> t5().config("model_type", "gpt2"),
            "config.json",
            "model_type 'gpt2' is not supported",
            "t5 and bert"),
        broken(
            "called a BERT",
            () -> t5().config("model_type", "bert"),
            "config.json",
            "no 'hidden_size', which the config.json of an encoder of the BERT family has"),
        broken(
            "untied without an output projection",
            () -> t5().config("tie_word_embeddings", false),
            "model.safetensors has no tensor 'lm_head.weight'",
            "of one model"),
        broken("a norm is missing", () -> t5().without(norm), "no tensor '" + norm + "'"),
        broken(
            "another vocabulary",
            () -> t5().config("vocab_size", 8256),
            "model.safetensors: tensor 'shared.weight' has shape [8192, 16]",
            "asks for [8256, 16]"),
        broken(
            "fewer layers in the configuration than in the weights",
            () ->
                t5().copy(
                        "encoder.block.0.layer.1.layer_norm.weight",
                        "encoder.block.1.layer.1.layer_norm.weight"),
            "'encoder.block.1.layer.1.layer_norm.weight'",
            "beyond those",
            "config.json"),
        broken(
            "saved inside something larger",
            () -> t5().renamed(name -> "model." + name),
            "no tensor 'shared.weight' but 'model.shared.weight'",
            "begin with 'model.'"),
        broken(
            "NaN",
            () -> t5().value(norm, 3, Float.NaN),
            "tensor '" + norm + "'",
            "not finite",
            "number 3 of 16"),
        broken(
            "infinity, in half precision, in a shard",
            () -> t5().value(wide, 40, Float.NEGATIVE_INFINITY).as("F16").inShards(),
            "-of-00002.safetensors: tensor '" + wide + "'",
            "number 40 of 512"),
        broken(
            "too small a vocabulary for the tokenizer",
            () -> t5().config("vocab_size", 8000),
            "spiece.model has 8192 pieces",
            "vocab_size 8000"),
        broken(
            "tokens added beyond the vocabulary",
            () -> t5().file("added_tokens.json", "{\"<sep>\": 8192}"),
            "added_tokens.json has the token '<sep>' with the id 8192",
            "vocab_size",
            "8192"),
        broken(
            "a tokenizer that is none",
            () -> t5().file("spiece.model", "hello"),
            "spiece.model is not a SentencePiece model"));
  }

  static Stream<Arguments> encoders() {
    return Stream.of(
        broken(
            "weights are a Git LFS pointer",
            () -> bert().file("model.safetensors", TinyFolder.LFS_POINTER),
            "model.safetensors is a Git LFS pointer"),
        broken(
            "the tokenizer is a Git LFS pointer",
            () -> bert().file("tokenizer.json", TinyFolder.LFS_POINTER),
            "tokenizer.json is a Git LFS pointer",
            "git lfs pull"),
        broken(
            "weights of a T5",
            () -> bert().weightsOf(t5()),
            "model.safetensors has no tensor 'embeddings.word_embeddings.weight'",
            "of one model"),
        broken(
            "an unknown prefix",
            () -> bert().renamed(name -> "0.auto_model." + name),
            "'0.auto_model.embeddings.word_embeddings.weight'",
            "begin with '0.auto_model.'"),
        broken("a tensor is missing", () -> bert().without(LAYER), "no tensor '" + LAYER + "'"),
        broken(
            "fewer layers in the configuration than in the weights",
            () -> bert().config("num_hidden_layers", 1),
            "'encoder.layer.1.",
            "number of layers"),
        broken(
            "more layers in the configuration than in the weights",
            () -> bert().config("num_hidden_layers", 3),
            "no tensor 'encoder.layer.2."),
        broken(
            "another vocabulary",
            () -> bert().config("vocab_size", 64),
            "'embeddings.word_embeddings.weight' has shape [24, 16]",
            "[64, 16]"),
        broken(
            "NaN in bfloat16",
            () -> bert().value(LAYER, 7, Float.NaN).as("BF16"),
            "tensor '" + LAYER + "'",
            "number 7 of 512"),
        broken(
            "a token added beyond the vocabulary",
            () -> bert().added("<sep>", 24),
            "tokenizer.json has the token '<sep>' with the id 24",
            "vocab_size",
            "ids end at 23"),
        broken(
            "a token added in a file of its own",
            () -> bert().file("added_tokens.json", "{\"<sep>\": 30000}"),
            "added_tokens.json has the token '<sep>'"),
        broken(
            "a Dense module",
            () ->
                bert()
                    .file(
                        "modules.json",
                        "[{\"type\": \"sentence_transformers.models.Dense\", \"path\": \"2_Dense\"}]"),
            "modules.json names the module sentence_transformers.models.Dense",
            "Transformer, Pooling and Normalize"),
        broken(
            "a pooling that is not supported",
            () -> bert().file("1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}"),
            "1_Pooling/config.json asks for [pooling_mode_max_tokens]"),
        broken(
            "a pooling that is named and not there",
            () ->
                bert()
                    .file(
                        "modules.json",
                        "[{\"type\": \"sentence_transformers.models.Pooling\", \"path\": \"1_Pooling\"}]"),
            "1_Pooling/config.json",
            "is not there"),
        broken(
            "a network in a folder of its own",
            () ->
                bert()
                    .file(
                        "modules.json",
                        "[{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"0_Transformer\"}]"),
            "modules.json",
            "in '0_Transformer'"),
        broken(
            "norms that make numbers too large",
            () -> {
              TinyFolder huge = bert();
              for (int i = 0; i < 16; i++) {
                huge.value("embeddings.LayerNorm.weight", i, 3e38f);
              }
              return huge;
            },
            "every weight is a finite number, but the answer to a first text is not"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"t5Folders", "encoders"})
  @DisplayName("a broken folder is refused in a sentence, and nothing is stored")
  void refused(String how, Breakage breakage, List<String> said) throws IOException {
    Path folder = breakage.make().writeTo(dir.resolve("broken"));
    FileModelStore store = new FileModelStore(dir.resolve("store"));

    Throwable refusal =
        catchThrowable(
            () -> LoadedModel.importer(store).importFolder(folder, ImportOptions.DEFAULT));

    assertThat(refusal).as(how).isInstanceOf(IOException.class);
    assertThat(refusal.getMessage())
        .contains(said)
        .doesNotContain("Exception", "hyperstream", "ai.djl", "java.");
    assertThat(store.list()).isEmpty();
  }

  @Test
  @DisplayName("a hypernetwork's values are looked through as well, and so are named adapters")
  void hypernetwork() throws IOException {
    for (String adapters : List.of(TinyModel.HYPERFORMER_PLUS_PLUS, TinyModel.PLAIN)) {
      Path models = dir.resolve("models");
      StoredModel whole = TinyModel.publish(models, "", adapters);
      FileModelStore store = new FileModelStore(dir.resolve("store"));
      LoadedModel.importer(store).importFolder(whole.directory(), ImportOptions.DEFAULT);
      assertThat(store.list()).hasSize(1);

      Path folder = dir.resolve("broken");
      for (String file :
          List.of(
              "backbone/config.json",
              "backbone/spiece.model",
              "backbone/model.safetensors",
              "hypernetwork/adapter_config.json",
              "hypernetwork/hypernetwork.safetensors")) {
        Files.createDirectories(folder.resolve(file).getParent());
        Files.write(folder.resolve(file), Files.readAllBytes(whole.directory().resolve(file)));
      }
      Path weights = folder.resolve("hypernetwork/hypernetwork.safetensors");
      byte[] bytes = Files.readAllBytes(weights);
      Arrays.fill(bytes, bytes.length - 4, bytes.length, (byte) 0xff); // a NaN
      Files.write(weights, bytes);
      Throwable refusal =
          catchThrowable(
              () -> LoadedModel.importer(store).importFolder(folder, ImportOptions.DEFAULT));
      assertThat(refusal)
          .hasMessageContaining(weights + ": tensor '")
          .hasMessageContaining("finite");
      assertThat(store.list()).hasSize(1);
      deleteStores();
    }
  }

  private void deleteStores() throws IOException {
    for (String name : List.of("models", "store", "broken")) {
      try (Stream<Path> walk = Files.walk(dir.resolve(name))) {
        for (Path file : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  @Test
  @DisplayName("whole models of both families are taken")
  void taken() throws IOException {
    FileModelStore store = new FileModelStore(dir.resolve("store"));
    int taken = 0;
    for (TinyFolder whole :
        List.of(
            t5(),
            TinyFolder.t5(UNTIED),
            t5().file("added_tokens.json", "{\"<extra_id_0>\": 8191}"),
            bert(),
            bert().copy(LAYER, "pooler.dense.weight"),
            TinyFolder.unigram("bert"),
            TinyFolder.unigram("xlm-roberta"))) {
      Path folder = whole.writeTo(dir.resolve("whole-" + ++taken));
      LoadedModel.importer(store).importFolder(folder, ImportOptions.DEFAULT);
      assertThat(store.list()).hasSize(taken);
    }
  }
}
