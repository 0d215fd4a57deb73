package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The safetensors of a folder in Hugging Face layout: {@code model.safetensors}, or shards that
 * {@code model.safetensors.index.json} assigns tensors to. Immutable, any thread.
 */
public final class ShardedSafetensors implements TensorSource {
  public static final String SINGLE = "model.safetensors";
  public static final String INDEX = "model.safetensors.index.json";

  /** An index of a 100,000-tensor model is about 10 MB. */
  private static final long MAX_INDEX_BYTES = 50_000_000;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Path index;
  private final Map<String, Safetensors> shardOf;

  private ShardedSafetensors(Path index, Map<String, Safetensors> shardOf) {
    this.index = index;
    this.shardOf = shardOf;
  }

  /**
   * Opens the weights of a model folder.
   *
   * @throws IOException if a file cannot be read
   * @throws CheckpointException if there are no weights, or index and shards disagree
   */
  public static TensorSource openFolder(Path folder) throws IOException {
    if (Files.isRegularFile(folder.resolve(SINGLE))) {
      return Safetensors.open(folder.resolve(SINGLE));
    }
    if (Files.isRegularFile(folder.resolve(INDEX))) {
      return open(folder.resolve(INDEX));
    }
    throw new CheckpointException(
        folder
            + " holds neither "
            + SINGLE
            + " nor "
            + INDEX
            + "; weights in another format (pytorch_model.bin) must be converted to safetensors"
            + " first");
  }

  static ShardedSafetensors open(Path index) throws IOException {
    if (Files.size(index) > MAX_INDEX_BYTES) {
      throw new CheckpointException(index + " is larger than " + MAX_INDEX_BYTES + " bytes");
    }
    JsonNode weightMap;
    try {
      weightMap = MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new CheckpointException(index + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw new CheckpointException(index + " has no object 'weight_map'");
    }
    Map<String, Safetensors> shards = new HashMap<>();
    Map<String, Safetensors> shardOf = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shardName = entry.getValue().asText();
      Safetensors shard = shards.get(shardName);
      if (shard == null) {
        shard = Safetensors.open(shardPath(index, shardName));
        shards.put(shardName, shard);
      }
      if (!shard.has(entry.getKey())) {
        throw new CheckpointException(
            "%s has no tensor '%s', which %s looks for in it: get both again"
                .formatted(shard.origin(), entry.getKey(), index));
      }
      shardOf.put(entry.getKey(), shard);
    }
    return new ShardedSafetensors(index, shardOf);
  }

  /** An index names files beside itself, nothing else. */
  private static Path shardPath(Path index, String name) {
    Path shard = index.resolveSibling(name);
    if (!name.endsWith(".safetensors")
        || name.contains("/")
        || name.contains("\\")
        || !Files.isRegularFile(shard)) {
      throw new CheckpointException(
          index + " names the shard '" + name + "'; there is no such file beside it");
    }
    return shard;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(shardOf.keySet());
  }

  @Override
  public String origin() {
    return index.toString();
  }

  @Override
  public TensorInfo info(String name) {
    return shard(name).info(name);
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    return shard(name).read(manager, name);
  }

  @Override
  public OptionalLong firstNotFinite(String name) {
    return shard(name).firstNotFinite(name);
  }

  @Override
  public String origin(String name) {
    return shard(name).origin(name);
  }

  private Safetensors shard(String name) {
    Safetensors shard = shardOf.get(name);
    if (shard == null) {
      throw missing(name);
    }
    return shard;
  }
}
