package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.SourceTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One version of a model in a store. Its files never change.
 *
 * @param name what people call it
 * @param version 1 for the first of that name
 * @param directory where its files lie on this machine
 * @param manifest what it consists of
 */
public record StoredModel(String name, int version, Path directory, Manifest manifest) {

  /** {@code name@version}. */
  public String reference() {
    return name + "@" + version;
  }

  /** Fingerprint of backbone and hypernetwork. */
  public String modelId() {
    return manifest.modelId();
  }

  /** The backbone's files. */
  public HuggingFaceLayout backbone() throws IOException {
    return HuggingFaceLayout.open(directory.resolve(Manifest.BACKBONE));
  }

  /**
   * The hypernetwork's folder ({@value Manifest#ADAPTER_CONFIG} and {@value
   * Manifest#HYPERNETWORK_WEIGHTS}), unless the model is a bare backbone.
   */
  public Optional<Path> hypernetwork() {
    return Optional.of(directory.resolve(Manifest.HYPERNETWORK)).filter(Files::isDirectory);
  }

  /** The tasks it was trained on, as {@code tasks.json} tells; empty if it has none. */
  public List<SourceTask> sourceTasks() throws IOException {
    Path file = directory.resolve(Manifest.TASKS);
    return Files.exists(file) ? SourceTask.readAll(file) : List.of();
  }

  /** Bytes of all files. */
  public long sizeInBytes() {
    return manifest.files().stream().mapToLong(Manifest.FileEntry::size).sum();
  }
}
