package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * {@code manifest.json}: what a stored model consists of, and what it is.
 *
 * @param name what people call it
 * @param modelId first 16 hexadecimal digits of the SHA-256 over the backbone's and the
 *     hypernetwork's files; adapter versions belong to one modelId
 * @param files every file but the manifest, sorted by path
 * @param backboneFingerprint SHA-256 over the backbone's files
 * @param adapterConfig the hypernetwork's {@code adapter_config.json}; empty for a bare backbone
 * @param tasks source tasks the hypernetwork holds embeddings of
 * @param card what its maker says
 * @param createdAt when it entered the store
 */
public record Manifest(
    String name,
    String modelId,
    List<FileEntry> files,
    String backboneFingerprint,
    Optional<JsonNode> adapterConfig,
    List<String> tasks,
    ModelCard card,
    Instant createdAt) {
  public static final String FILE = "manifest.json";

  /** Version of this format; a reader refuses another. */
  public static final int FORMAT_VERSION = 1;

  public static final String BACKBONE = "backbone";
  public static final String HYPERNETWORK = "hypernetwork";
  public static final String ADAPTER_CONFIG = "adapter_config.json";
  public static final String HYPERNETWORK_WEIGHTS = "hypernetwork.safetensors";
  public static final String TASKS = "tasks.json";

  /** Larger ones are not read. */
  public static final int MAX_BYTES = 8 << 20;

  private static final int MAX_FILES = 4096;

  /**
   * One file of a model.
   *
   * @param path relative to the model's folder, {@code /} as separator
   * @param size in bytes
   * @param sha256 lower-case hexadecimal
   */
  public record FileEntry(String path, long size, String sha256) {}

  public Manifest {
    files = List.copyOf(files);
    tasks = List.copyOf(tasks);
  }

  /**
   * Describes the model in a folder ({@code backbone/}, optionally {@code hypernetwork/} and {@code
   * tasks.json}); hashes every file.
   */
  public static Manifest describe(String name, Path directory, ModelCard card) throws IOException {
    List<FileEntry> files = new ArrayList<>();
    for (Path file : listFiles(directory)) {
      String path = relative(directory, file);
      if (!path.equals(FILE)) {
        Checksums.safePath(path, directory.toString());
        files.add(new FileEntry(path, Files.size(file), Checksums.sha256(file)));
      }
    }
    files.sort(Comparator.comparing(FileEntry::path));
    Path config = directory.resolve(HYPERNETWORK).resolve(ADAPTER_CONFIG);
    Optional<JsonNode> adapterConfig =
        Files.exists(config)
            ? Optional.of(Json.read(config, HuggingFaceLayout.MAX_CONFIG_BYTES))
            : Optional.empty();
    List<String> tasks =
        adapterConfig.isPresent() && adapterConfig.get().has("tasks")
            ? Json.texts(adapterConfig.get(), "tasks", config.toString())
            : List.of();
    return new Manifest(
        name,
        modelId(files),
        files,
        fingerprint(files, BACKBONE + "/"),
        adapterConfig,
        tasks,
        card,
        Instant.now());
  }

  private static String modelId(List<FileEntry> files) {
    String both = fingerprint(files, BACKBONE + "/") + fingerprint(files, HYPERNETWORK + "/");
    return Checksums.sha256(both).substring(0, 16);
  }

  /** SHA-256 over the checksums and names of the files in a folder, which must be sorted. */
  private static String fingerprint(List<FileEntry> files, String folder) {
    StringBuilder lines = new StringBuilder();
    for (FileEntry file : files) {
      if (file.path().startsWith(folder)) {
        lines.append(file.sha256()).append("  ").append(file.path()).append('\n');
      }
    }
    return Checksums.sha256(lines.toString());
  }

  /** Reads the manifest of a model's folder, checking what can be checked without the files. */
  public static Manifest read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    return read(Json.read(file, MAX_BYTES), file.toString());
  }

  /**
   * Reads a manifest's bytes, as {@link #read(Path)} does a file's.
   *
   * @param where they come from, for messages
   */
  public static Manifest parse(byte[] json, String where) throws IOException {
    return read(Json.parse(json, where), where);
  }

  private static Manifest read(JsonNode root, String where) throws IOException {
    int format = Json.positive(root, "formatVersion", where);
    if (format != FORMAT_VERSION) {
      throw new IOException(
          where + " has format version " + format + "; this release reads " + FORMAT_VERSION);
    }
    List<FileEntry> files = new ArrayList<>();
    for (JsonNode entry : Json.array(root, "files", where)) {
      String sha256 = Json.text(entry, "sha256", where);
      if (!sha256.matches("[0-9a-f]{64}")) {
        throw new IOException(where + " has the SHA-256 '" + sha256 + "'; expected 64 hex digits");
      }
      String path = Checksums.safePath(Json.text(entry, "path", where), where);
      files.add(new FileEntry(path, Json.size(entry, "size", where), sha256));
    }
    if (files.size() > MAX_FILES) {
      throw new IOException(where + " names " + files.size() + " files; at most " + MAX_FILES);
    }
    files.sort(Comparator.comparing(FileEntry::path));
    Manifest manifest =
        new Manifest(
            Json.text(root, "name", where),
            Json.text(root, "modelId", where),
            files,
            fingerprint(files, BACKBONE + "/"),
            Optional.of(root.path("adapterConfig")).filter(JsonNode::isObject),
            Json.texts(root, "tasks", where),
            readCard(root, where),
            readInstant(Json.text(root, "createdAt", where), where));
    manifest.checkIds(Json.text(root, "backboneFingerprint", where), where);
    return manifest;
  }

  private void checkIds(String writtenBackbone, String where) throws IOException {
    if (!modelId(files).equals(modelId) || !backboneFingerprint.equals(writtenBackbone)) {
      throw new IOException(
          where + ": modelId and fingerprint do not belong to its files; was it edited by hand?");
    }
  }

  private static ModelCard readCard(JsonNode root, String where) throws IOException {
    Map<String, Double> metrics = new TreeMap<>();
    for (Map.Entry<String, JsonNode> metric : root.path("metrics").properties()) {
      metrics.put(metric.getKey(), metric.getValue().asDouble());
    }
    try {
      return new ModelCard(
          Json.positive(root, "maxSourceTokens", where),
          Json.positive(root, "maxTargetTokens", where),
          metrics,
          Json.text(root, "licence", where),
          Json.text(root, "source", where),
          Json.text(root, "notes", where));
    } catch (IllegalArgumentException e) {
      throw new IOException(where + ": " + e.getMessage(), e);
    }
  }

  private static Instant readInstant(String text, String where) throws IOException {
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw new IOException(where + ": createdAt is '" + text + "'; expected ISO 8601", e);
    }
  }

  /** Writes {@code manifest.json} into a model's folder; not atomic, the store takes care. */
  public void write(Path directory) throws IOException {
    Files.write(directory.resolve(FILE), toJson());
  }

  /** What {@code manifest.json} holds. */
  public byte[] toJson() throws IOException {
    ObjectNode root = Json.MAPPER.createObjectNode();
    root.put("formatVersion", FORMAT_VERSION).put("name", name).put("modelId", modelId);
    root.put("backboneFingerprint", backboneFingerprint);
    root.put("maxSourceTokens", card.maxSourceTokens());
    root.put("maxTargetTokens", card.maxTargetTokens());
    root.put("licence", card.licence()).put("source", card.source()).put("notes", card.notes());
    root.put("createdAt", createdAt.toString());
    adapterConfig.ifPresent(config -> root.set("adapterConfig", config));
    tasks.forEach(root.putArray("tasks")::add);
    card.metrics().forEach(root.putObject("metrics")::put);
    for (FileEntry file : files) {
      root.withArray("files")
          .addObject()
          .put("path", file.path())
          .put("size", file.size())
          .put("sha256", file.sha256());
    }
    return Json.MAPPER.writeValueAsBytes(root);
  }

  /**
   * Checks that a folder holds exactly the files of this manifest, byte for byte.
   *
   * @throws IOException naming the first file that is missing, changed or not in the manifest
   */
  public void verify(Path directory) throws IOException {
    Set<String> expected = new HashSet<>(Set.of(FILE));
    for (FileEntry entry : files) {
      expected.add(entry.path());
      Path file = directory.resolve(entry.path());
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + " is missing; import the model again");
      }
      if (Files.size(file) != entry.size()) {
        throw new IOException(
            "%s has %d bytes, the manifest says %d: it is damaged; import the model again"
                .formatted(file, Files.size(file), entry.size()));
      }
      String actual = Checksums.sha256(file);
      if (!actual.equals(entry.sha256())) {
        throw new IOException(
            "%s has SHA-256 %s, the manifest says %s: it is damaged; import the model again"
                .formatted(file, actual, entry.sha256()));
      }
    }
    for (Path file : listFiles(directory)) {
      if (!expected.contains(relative(directory, file))) {
        throw new IOException(file + " is not in the manifest; remove it");
      }
    }
  }

  private static List<Path> listFiles(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory)) {
      return walk.filter(file -> !Files.isDirectory(file)).sorted().toList();
    }
  }

  private static String relative(Path directory, Path file) {
    return directory.relativize(file).toString().replace('\\', '/');
  }
}
