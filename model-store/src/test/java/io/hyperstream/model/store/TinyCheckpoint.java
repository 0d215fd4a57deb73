package io.hyperstream.model.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Files in the shape of a T5 checkpoint; stores do not look inside tensors. */
final class TinyCheckpoint {
  private final Map<String, byte[]> files = new LinkedHashMap<>();

  private TinyCheckpoint() {
    put(
        "config.json",
        """
        {"model_type": "t5", "n_positions": 128, "vocab_size": 8, "d_model": 4, "d_kv": 2,
         "d_ff": 4, "num_heads": 2, "num_layers": 1}
        """);
    put("spiece.model", "pieces");
  }

  /** Weights in one file. */
  static TinyCheckpoint single(int weightBytes) {
    TinyCheckpoint checkpoint = new TinyCheckpoint();
    checkpoint.files.put("model.safetensors", noise(weightBytes, 1));
    return checkpoint;
  }

  /** Weights in two shards with an index. */
  static TinyCheckpoint sharded(int shardBytes) {
    TinyCheckpoint checkpoint = new TinyCheckpoint();
    checkpoint.put(
        "model.safetensors.index.json",
        """
        {"metadata": {"total_size": 8}, "weight_map": {
          "a.weight": "model-00001-of-00002.safetensors",
          "b.weight": "model-00002-of-00002.safetensors",
          "c.weight": "model-00001-of-00002.safetensors"}}
        """);
    checkpoint.files.put("model-00001-of-00002.safetensors", noise(shardBytes, 1));
    checkpoint.files.put("model-00002-of-00002.safetensors", noise(shardBytes, 2));
    return checkpoint;
  }

  TinyCheckpoint put(String name, String content) {
    files.put(name, content.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  Map<String, byte[]> files() {
    return files;
  }

  Path writeTo(Path directory) throws IOException {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path target = directory.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      Files.write(target, file.getValue());
    }
    return directory;
  }

  private static byte[] noise(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
