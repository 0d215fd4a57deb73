package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ImportOptions;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Encoders of the BERT family, in every layout they come in")
class EncoderLayoutsTest {
  private static final String TEXT = "a good sunny day";
  private static final TaskDefinition TASK =
      TaskDefinition.classification("any", List.of("good", "bad"));
  private static final String MODULES =
      """
      [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
       {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}%s]
      """;
  private static final String NORMALIZE =
      """
      , {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
      """;

  @TempDir Path dir;
  private FileModelStore store;
  private int imported;

  @BeforeEach
  void open() throws IOException {
    store = new FileModelStore(dir.resolve("store"));
    Ops.inferenceThread();
  }

  private StoredModel imported(TinyFolder folder, ImportOptions options) throws IOException {
    String name = "m" + ++imported;
    return LoadedModel.importer(store)
        .importFolder(folder.writeTo(dir.resolve(name)), options.named(name));
  }

  private float[] vector(TinyFolder folder, String text) throws IOException {
    return vector(imported(folder, ImportOptions.DEFAULT), text, Optional.empty());
  }

  private static float[] vector(StoredModel model, String text, Optional<String> textPair)
      throws IOException {
    ReadoutOptions options =
        new ReadoutOptions(
            model.manifest().card().maxSourceTokens(), 2, 1, 1, 1 << 20, Precision.F32);
    try (LoadedModel loaded = LoadedModel.open(model, Optional.empty(), options);
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      RowInput input = loaded.family().rows().encode(TASK, text, textPair);
      var backbone = loaded.family().backbone();
      return loaded
          .family()
          .rows()
          .vector(
              input,
              loaded
                  .family()
                  .rows()
                  .pool(
                      backbone.encode(
                          TokenBatch.of(backbone, input.sequences()), AdapterHook.NONE)));
    }
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }

  @Test
  @DisplayName(
      "names with and without the prefix bert., old and new, one file or shards: the same vectors")
  void layouts() throws IOException {
    float[] plain = vector(TinyFolder.bert(), TEXT);
    assertThat(vector(TinyFolder.bert().renamed(n -> "bert." + n), TEXT)).isEqualTo(plain);
    assertThat(vector(TinyFolder.bert().renamed(n -> "roberta." + n), TEXT)).isEqualTo(plain);
    assertThat(vector(TinyFolder.bert().inShards(), TEXT)).isEqualTo(plain);
    TinyFolder old =
        TinyFolder.bert()
            .renamed(n -> n.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"));
    assertThat(vector(old, TEXT)).isEqualTo(plain);
  }

  @Test
  @DisplayName("float16 and bfloat16 weights are the numbers they stand for")
  void narrow() throws IOException {
    for (String type : List.of("F16", "BF16")) {
      float[] wide = vector(TinyFolder.bert().rounded(type), TEXT);
      assertThat(vector(TinyFolder.bert().rounded(type).as(type), TEXT)).isEqualTo(wide);
      assertThat(wide).isNotEqualTo(vector(TinyFolder.bert(), TEXT));
    }
  }

  @Test
  @DisplayName(
      "pooling is what 1_Pooling says, in old and new spelling; scaled if modules.json says")
  void pooling() throws IOException {
    String cls = "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}";
    String mean = "{\"pooling_mode_cls_token\": false, \"pooling_mode_mean_tokens\": true}";
    float[] first = vector(sentences(cls, ""), TEXT);
    float[] all = vector(sentences(mean, ""), TEXT);
    assertThat(first).isNotEqualTo(all);
    assertThat(vector(sentences("{\"pooling_mode\": \"cls\"}", ""), TEXT)).isEqualTo(first);
    assertThat(vector(sentences("{\"pooling_mode\": \"mean\"}", ""), TEXT)).isEqualTo(all);

    // Vectors are compared by their direction: each part has length 1 whatever the files say.
    float[] scaled = vector(sentences(mean, NORMALIZE), TEXT);
    assertThat(scaled).isEqualTo(all);
    assertThat(length(Arrays.copyOf(all, 16))).isCloseTo(1, within(1e-5));
    assertThat(vector(TinyFolder.bert(), TEXT)).isEqualTo(scaled);
  }

  private static TinyFolder sentences(String pooling, String normalize) throws IOException {
    return TinyFolder.bert()
        .file("modules.json", MODULES.formatted(normalize))
        .file("1_Pooling/config.json", pooling);
  }

  @Test
  @DisplayName("a default prompt stands before every text")
  void prompt() throws IOException {
    String prompts =
        "{\"prompts\": {\"q\": \"query: \", \"p\": \"bad \"}, \"default_prompt_name\": \"q\"}";
    float[] prompted =
        vector(TinyFolder.bert().file("config_sentence_transformers.json", prompts), TEXT);
    assertThat(prompted).isEqualTo(vector(TinyFolder.bert(), "query: " + TEXT));
    assertThat(prompted).isNotEqualTo(vector(TinyFolder.bert(), TEXT));
  }

  @Test
  @DisplayName("a prefix given at import is stored, and what the file said beside stays")
  void prefixAtImport() throws IOException {
    TinyFolder folder =
        TinyFolder.unigram("bert")
            .file(
                "config_sentence_transformers.json", "{\"prompts\": {\"p\": \"bad \"}, \"x\": 1}");
    StoredModel model = imported(folder, prefixed("query: "));
    assertThat(vector(model, TEXT, Optional.empty()))
        .isEqualTo(vector(TinyFolder.unigram("bert"), "query: " + TEXT));
    assertThat(model.directory().resolve("backbone/config_sentence_transformers.json"))
        .content()
        .contains("\"p\" : \"bad \"", "\"x\" : 1");
    assertThat(Files.readString(dir.resolve("m1/config_sentence_transformers.json")))
        .as("the folder it came from")
        .doesNotContain("query");
    assertThat(store.load(model.reference()).modelId()).isEqualTo(model.modelId());
    assertThat(ModelInspection.of(model).details()).containsEntry("prefix", "query: ");

    assertThatThrownBy(() -> imported(TinyFolder.t5(""), prefixed("query: ")))
        .hasMessageContaining("a t5 has no prefix");
    assertThatThrownBy(() -> imported(TinyFolder.bert(), prefixed("x".repeat(513))))
        .hasMessageContaining("at most 512 characters");
  }

  private static ImportOptions prefixed(String prefix) {
    return new ImportOptions(
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        OptionalInt.empty(),
        Optional.of(prefix),
        "",
        "");
  }

  @Test
  @DisplayName("a unigram tokenizer: <s> a </s></s> b </s>, all of one segment")
  void unigram() throws IOException {
    StoredModel model = imported(TinyFolder.unigram("xlm-roberta"), ImportOptions.DEFAULT);
    try (LoadedModel loaded =
        LoadedModel.open(
            model, Optional.empty(), new ReadoutOptions(38, 2, 1, 1, 1 << 20, Precision.F32))) {
      var tokenizer = loaded.family().tokenizer();
      assertThat(tokenizer.encode("good day")).containsExactly(0, 11, 9, 2);
      var pair = tokenizer.wrap(tokenizer.pieces("good day"), tokenizer.pieces("night"));
      assertThat(pair.ids()).containsExactly(0, 11, 9, 2, 2, 10, 2);
      assertThat(pair.secondFrom()).isEqualTo(pair.ids().length);
      assertThat(tokenizer.pieces("good</s>day")).doesNotContain(2);
      assertThat(tokenizer.information(11)).isPositive();
      assertThat(tokenizer.information(0)).isZero();
    }
    assertThat(vector(model, "good day", Optional.of("night"))).hasSize(2 * 16 + 3);
  }

  @Test
  @DisplayName("RoBERTa's positions begin behind the padding's")
  void positions() throws IOException {
    float[] expected = vector(TinyFolder.bert(), TEXT);
    TinyFolder shifted =
        TinyFolder.bert()
            .shiftRows("embeddings.position_embeddings.weight", 1)
            .config("model_type", "roberta")
            .config("max_position_embeddings", 41);
    StoredModel model = imported(shifted, ImportOptions.DEFAULT);
    assertThat(vector(model, TEXT, Optional.empty())).isEqualTo(expected);
    assertThat(model.manifest().card().maxSourceTokens()).isEqualTo(40);
    String longest = "sun ".repeat(100);
    assertThat(vector(model, longest, Optional.empty()))
        .isEqualTo(vector(TinyFolder.bert(), longest));
  }

  @Test
  @DisplayName("the longest input is what the position table holds, or less if its maker says so")
  void longestInput() throws IOException {
    ModelCard card = imported(TinyFolder.bert(), ImportOptions.DEFAULT).manifest().card();
    assertThat(card.maxSourceTokens()).isEqualTo(40);
    assertThat(card.maxTargetTokens()).as("an encoder writes nothing").isEqualTo(2);
    TinyFolder shorter =
        TinyFolder.bert().file("sentence_bert_config.json", "{\"max_seq_length\": 16}");
    assertThat(imported(shorter, ImportOptions.DEFAULT).manifest().card().maxSourceTokens())
        .isEqualTo(16);
  }
}
