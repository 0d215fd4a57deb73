package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.StarterFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/** Models of one layer with random weights and the starter's tokenizer, in a store. */
final class TinyModel {
  static final String BACKBONE =
      """
      {"model_type": "t5", "vocab_size": 8192, "d_model": 16, "d_kv": 4, "d_ff": 32,
       "num_heads": 4, "num_layers": 1, "n_positions": 64%s}
      """;
  static final String V11 =
      ", \"feed_forward_proj\": \"gated-gelu\", \"tie_word_embeddings\": false";
  static final String CROSS_BIAS = ", \"cross_attention_relative_bias\": true";

  static final String HYPERFORMER_PLUS_PLUS =
      """
      {"kind": "meta-adapter", "efficient_unique_hyper_net": true, "reduction_factor": 4,
       "task_embedding_dim": 8, "projected_task_embedding_dim": 8, "task_hidden_dim": 8,
       "conditional_layer_norm": true, "tasks": ["one", "two"]}
      """;
  static final String PLAIN =
      """
      {"kind": "adapter", "reduction_factor": 4, "tasks": ["one", "two"]}
      """;

  private TinyModel() {}

  /**
   * Publishes a model.
   *
   * @param fields more fields of the backbone's config, with a comma in front
   * @param adapterConfig empty for a bare backbone
   */
  static StoredModel publish(Path store, String fields, String adapterConfig) throws IOException {
    return new FileModelStore(store)
        .publish(
            "tiny",
            new ModelCard(64, 8, Map.of(), "", "", ""),
            folder -> write(folder, BACKBONE.formatted(fields), adapterConfig, false));
  }

  /** Publishes a model whose hypernetwork file also has a norm of the backbone, as trained. */
  static StoredModel publishWithTrainedNorm(Path store, String adapterConfig) throws IOException {
    return new FileModelStore(store)
        .publish(
            "tiny",
            new ModelCard(64, 8, Map.of(), "", "", ""),
            folder -> write(folder, BACKBONE.formatted(""), adapterConfig, true));
  }

  private static void write(Path folder, String config, String adapterConfig, boolean trainedNorm)
      throws IOException {
    Path backbone = Files.createDirectories(folder.resolve("backbone"));
    Files.copy(
        StarterFiles.directory().resolve("backbone/spiece.model"),
        backbone.resolve("spiece.model"));
    Files.writeString(backbone.resolve("config.json"), config);
    T5Config t5 = T5Config.read(backbone.resolve("config.json"));
    InventedTensors weights = new InventedTensors(1);
    T5.load(t5, weights).close();
    weights.write(backbone.resolve("model.safetensors"));
    if (adapterConfig.isEmpty()) {
      return;
    }
    Path hyper = Files.createDirectories(folder.resolve("hypernetwork"));
    Files.writeString(hyper.resolve("adapter_config.json"), adapterConfig);
    AdapterConfig adapters = AdapterConfig.read(hyper.resolve("adapter_config.json"));
    InventedTensors trained = new InventedTensors(2);
    try (AdapterFactory factory = AdapterFactory.load(t5.shape(), adapters, trained)) {
      if (adapters.kind() == AdapterConfig.Kind.PLAIN) {
        factory
            .make(adapters.tasks().stream().<AdapterForm>map(AdapterForm.Named::new).toList())
            .forEach(AdapterWeights::close);
      }
    }
    if (trainedNorm) {
      trained.invent("encoder.final_layer_norm.weight", t5.dModel());
    }
    trained.write(hyper.resolve("hypernetwork.safetensors"));
  }

  /** The embedding of a seed, for the hypernetwork above. */
  static AdapterForm embedding(int seed) {
    Random random = new Random(seed);
    float[] values = new float[8];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new AdapterForm.Embedding(values);
  }
}
