package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A backbone as Hugging Face lays it out: {@code config.json}, weights in safetensors (one file, or
 * shards with an index), and what its family reads besides.
 *
 * @param directory the folder
 * @param config {@code config.json}
 * @param weights the safetensors files, one or all shards
 * @param weightsIndex the index of the shards, if sharded
 * @param others the family's other files that are there, such as its tokenizer
 */
public record HuggingFaceLayout(
    Path directory,
    Path config,
    List<Path> weights,
    Optional<Path> weightsIndex,
    List<Path> others) {
  public static final String CONFIG = "config.json";
  public static final String WEIGHTS = "model.safetensors";
  public static final String WEIGHTS_INDEX = "model.safetensors.index.json";

  /** Largest {@code config.json} that is read. */
  public static final long MAX_CONFIG_BYTES = 1 << 20;

  /** Largest index of shards that is read. */
  public static final long MAX_INDEX_BYTES = 32 << 20;

  private static final int MAX_SHARDS = 1024;

  public HuggingFaceLayout {
    weights = List.copyOf(weights);
    others = List.copyOf(others);
  }

  /** Where a file of this model is, or would be. */
  public Path file(String name) {
    return directory.resolve(name);
  }

  /**
   * Looks a folder through.
   *
   * @throws NoSuchFileException naming every file that is missing
   * @throws IOException if the shard index cannot be read or points out of the folder, or a file is
   *     a Git LFS pointer
   */
  public static HuggingFaceLayout open(Path directory) throws IOException {
    return open(directory, List.of(), List.of());
  }

  /**
   * The same with a family's other files.
   *
   * @param needed names of files that must be there
   * @param optional names of files that may be there; with folders, if they lie in some
   */
  public static HuggingFaceLayout open(Path directory, List<String> needed, List<String> optional)
      throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new NoSuchFileException(directory.toString(), null, "it is not a folder");
    }
    List<String> missing = new ArrayList<>();
    List<Path> others = new ArrayList<>();
    for (String name : Stream.concat(Stream.of(CONFIG), needed.stream()).toList()) {
      if (!Files.isRegularFile(directory.resolve(name))) {
        missing.add(name);
      }
    }
    Stream.concat(needed.stream(), optional.stream())
        .map(directory::resolve)
        .filter(Files::isRegularFile)
        .forEach(others::add);
    List<Path> weights = List.of(directory.resolve(WEIGHTS));
    Optional<Path> index = Optional.empty();
    if (!Files.isRegularFile(weights.get(0))) {
      index = Optional.of(directory.resolve(WEIGHTS_INDEX)).filter(Files::isRegularFile);
      if (index.isPresent()) {
        LfsPointer.refuse(index.get());
        byte[] bytes = readLimited(index.get(), MAX_INDEX_BYTES);
        weights = shards(bytes, index.get().toString()).stream().map(directory::resolve).toList();
        weights.stream()
            .filter(shard -> !Files.isRegularFile(shard))
            .forEach(shard -> missing.add(shard.getFileName().toString()));
      } else {
        missing.add(WEIGHTS + " (or " + WEIGHTS_INDEX + " with its shards)");
      }
    }
    if (!missing.isEmpty()) {
      throw new NoSuchFileException(
          directory.toString(), null, "it lacks " + String.join(", ", missing) + hint(directory));
    }
    HuggingFaceLayout layout =
        new HuggingFaceLayout(directory, directory.resolve(CONFIG), weights, index, others);
    for (Path file : layout.files()) {
      LfsPointer.refuse(file);
    }
    return layout;
  }

  private static String hint(Path directory) {
    if (Files.exists(directory.resolve("pytorch_model.bin"))) {
      return "; pytorch_model.bin is not read: save the model with safe_serialization=True";
    }
    return "";
  }

  /**
   * The shard files an index names, sorted.
   *
   * @param where the index's name, for messages
   * @throws IOException if it is no index or names anything but plain safetensors file names
   */
  public static List<String> shards(byte[] index, String where) throws IOException {
    JsonNode map = Json.parse(index, where).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new IOException(where + " has no weight_map; it is not an index of safetensors shards");
    }
    TreeSet<String> shards = new TreeSet<>();
    for (JsonNode value : map) {
      String shard = Checksums.safePath(value.asText(), where);
      if (shard.contains("/") || !shard.endsWith(".safetensors")) {
        throw new IOException(where + " names the shard '" + shard + "'; expected *.safetensors");
      }
      shards.add(shard);
    }
    if (shards.size() > MAX_SHARDS) {
      throw new IOException(where + " names " + shards.size() + " shards, more than " + MAX_SHARDS);
    }
    return List.copyOf(shards);
  }

  /** Every file of the layout. */
  public List<Path> files() {
    List<Path> files = new ArrayList<>();
    files.add(config);
    files.addAll(others);
    weightsIndex.ifPresent(files::add);
    files.addAll(weights);
    return files;
  }

  private static byte[] readLimited(Path file, long maxBytes) throws IOException {
    if (Files.size(file) > maxBytes) {
      throw new IOException(file + " is larger than " + maxBytes + " bytes");
    }
    return Files.readAllBytes(file);
  }
}
