package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link ModelStore} in a folder of a file system.
 *
 * <pre>
 * models/NAME/VERSION/   a published version: manifest.json, backbone/, hypernetwork/, ...
 * adapters/OWNER/        weights of adapter versions: SHA-256.safetensors
 * staging/               versions being written; removed when their writer is gone
 * work/                  resumable work; removed when untouched for {@link WorkFolder#WORK_KEPT}
 * store.lock             held for the moments that must not overlap
 * </pre>
 *
 * A version is written aside, flushed to the disk and renamed into place, so a crash at any moment
 * leaves either all of it or nothing.
 */
public final class FileModelStore implements ModelStore {
  private static final Logger LOG = LoggerFactory.getLogger(FileModelStore.class);

  private final Path root;
  private final Path models;
  private final StoreLock lock;
  private final WorkFolder work;

  /**
   * Opens a store, creating its folder, and removes what dead writers left; one that this process
   * may only read is taken as it is.
   */
  public FileModelStore(Path root) throws IOException {
    this.root = root.toAbsolutePath().normalize();
    this.models = this.root.resolve("models");
    if (!Files.isDirectory(models)) {
      Files.createDirectories(models);
    }
    this.lock = new StoreLock(this.root.resolve("store.lock"));
    this.work = new WorkFolder(this.root, lock);
  }

  /** Where it lies. */
  public Path root() {
    return root;
  }

  @Override
  public List<StoredModel> list() throws IOException {
    List<StoredModel> found = new ArrayList<>();
    for (Path name : children(models)) {
      for (int version : versions(name.getFileName().toString())) {
        Path directory = name.resolve(Integer.toString(version));
        try {
          found.add(read(name.getFileName().toString(), version, directory));
        } catch (IOException e) {
          LOG.warn("Model {} is left out: {}", directory, e.getMessage());
        }
      }
    }
    return List.copyOf(found);
  }

  @Override
  public StoredModel load(String reference) throws IOException {
    StoredModel model = find(reference);
    model.manifest().verify(model.directory());
    return model;
  }

  private StoredModel find(String reference) throws IOException {
    StoreNames.Reference parsed = StoreNames.Reference.parse(reference);
    String name = parsed.name();
    if (name.matches(StoreNames.MODEL)) {
      List<Integer> versions = versions(name);
      Optional<Integer> version =
          reference.equals(name)
              ? versions.stream().max(Comparator.naturalOrder())
              : versions.stream().filter(v -> v.toString().equals(parsed.version())).findFirst();
      if (version.isPresent()) {
        return read(name, version.get(), directory(name, version.get()));
      }
    }
    List<StoredModel> all = list();
    return all.stream()
        .filter(model -> model.modelId().equals(reference))
        .findFirst()
        .orElseThrow(() -> StoreNames.noSuchModel(reference, root, all));
  }

  @Override
  public StoredModel publish(String name, ModelCard card, Content content) throws IOException {
    StoreNames.requireModel(name);
    try (WorkFolder.Aside aside = work.aside()) {
      content.writeTo(aside.folder());
      Manifest manifest = Manifest.describe(name, aside.folder(), card);
      manifest.write(aside.folder());
      StoreFiles.forceTree(aside.folder());
      return lock.call(() -> moveIntoPlace(name, manifest, aside.folder()));
    }
  }

  private StoredModel moveIntoPlace(String name, Manifest manifest, Path aside) throws IOException {
    List<Integer> versions = versions(name);
    int latest = versions.isEmpty() ? 0 : versions.get(versions.size() - 1);
    if (latest > 0) {
      StoredModel model = read(name, latest, directory(name, latest));
      if (model.manifest().files().equals(manifest.files())
          && model.manifest().card().equals(manifest.card())
          && isWhole(model)) {
        return model;
      }
    }
    Path target = directory(name, latest + 1);
    Files.createDirectories(target.getParent());
    Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
    StoreFiles.forceDirectory(target.getParent());
    StoreFiles.forceDirectory(models);
    return read(name, latest + 1, target);
  }

  /** Publishing what is there but damaged repairs it, as a new version. */
  private static boolean isWhole(StoredModel model) {
    try {
      model.manifest().verify(model.directory());
      return true;
    } catch (IOException e) {
      LOG.warn("{} is damaged and superseded: {}", model.reference(), e.getMessage());
      return false;
    }
  }

  @Override
  public String addWeights(String owner, byte[] safetensors) throws IOException {
    Path folder = Files.createDirectories(weightsFolder(owner));
    String sha256 = HexFormat.of().formatHex(Checksums.sha256().digest(safetensors));
    Path file = folder.resolve(sha256 + ".safetensors");
    if (Files.exists(file) && Files.size(file) == safetensors.length) {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now())); // needed again
    } else {
      Path aside = Files.createTempFile(folder, "adapter", ".tmp");
      try {
        StoreFiles.write(aside, safetensors);
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(aside);
      }
      for (Path at = folder; !at.equals(root.getParent()); at = at.getParent()) {
        StoreFiles.forceDirectory(at);
      }
    }
    return reference(file);
  }

  private Path weightsFolder(String owner) {
    StoreNames.requireOwner(owner);
    return root.resolve("adapters").resolve(owner);
  }

  private String reference(Path file) {
    return root.relativize(file).toString().replace('\\', '/');
  }

  @Override
  public int removeWeights(String owner, Set<String> needed, Instant before) throws IOException {
    Path folder = weightsFolder(owner);
    int removed = 0;
    for (Path file : Files.isDirectory(folder) ? children(folder) : List.<Path>of()) {
      if (!needed.contains(reference(file))
          && Files.getLastModifiedTime(file).toInstant().isBefore(before)
          && Files.deleteIfExists(file)) {
        removed++;
      }
    }
    return removed;
  }

  @Override
  public Path weights(String reference) throws IOException {
    StoreNames.requireWeights(reference);
    Path file = root.resolve(reference);
    if (!Files.isRegularFile(file)) {
      throw StoreNames.noSuchWeights(file.toString());
    }
    return file;
  }

  @Override
  public Path workFolder(String key) throws IOException {
    return work.workFolder(key);
  }

  private StoredModel read(String name, int version, Path directory) throws IOException {
    return new StoredModel(name, version, directory, Manifest.read(directory));
  }

  private Path directory(String name, int version) {
    return models.resolve(name).resolve(Integer.toString(version));
  }

  /** Version numbers of one name, ascending. */
  private List<Integer> versions(String name) throws IOException {
    Path directory = models.resolve(name);
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    return children(directory).stream()
        .map(child -> child.getFileName().toString())
        .filter(child -> child.matches(StoreNames.VERSION))
        .map(Integer::valueOf)
        .sorted()
        .toList();
  }

  private static List<Path> children(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.sorted().toList();
    }
  }
}
