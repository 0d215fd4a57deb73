package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this machine has of a remote store. Files appear whole or not at all, are checked whenever
 * they are asked for, and are evicted, least recently used first, unless a running process uses
 * them.
 *
 * <pre>
 * models/NAME/VERSION/   a model, as in a {@link FileModelStore}
 * adapters/OWNER/        weights of adapter versions: SHA-256.safetensors
 * staging/, work/        see {@link WorkFolder}
 * uses/                  who uses what
 * locks/                 one download of a thing at a time
 * </pre>
 *
 * Any thread; any number of processes may share the folder.
 */
final class ModelCache implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCache.class);

  private final Path root;
  private final long maxBytes;
  private final StoreLock lock;
  private final WorkFolder work;
  private final CacheUses uses;

  /** Gets what is not there, or not whole, into an empty folder or a new file. */
  @FunctionalInterface
  interface Fetch {
    void into(Path target) throws IOException;
  }

  private record Kept(String entry, Path path, long bytes, Instant asked) {}

  ModelCache(Path root, long maxBytes) throws IOException {
    this.root = Files.createDirectories(root.toAbsolutePath().normalize());
    this.maxBytes = maxBytes;
    this.lock = new StoreLock(this.root.resolve("cache.lock"));
    this.work = new WorkFolder(this.root, lock);
    this.uses = lock.call(() -> new CacheUses(this.root.resolve("uses")));
    Files.createDirectories(this.root.resolve("locks"));
  }

  WorkFolder.Aside aside() throws IOException {
    return work.aside();
  }

  Path workFolder(String key) throws IOException {
    return work.workFolder(key);
  }

  /** Where a model lies, or would. */
  Path directory(String name, int version) {
    return root.resolve(entry(name, version));
  }

  private static String entry(String name, int version) {
    return "models/" + name + "/" + version;
  }

  /** A model's manifest, if all of it is here and as it should be. */
  Optional<Manifest> whole(String name, int version) throws IOException {
    Path directory = directory(name, version);
    use(entry(name, version));
    if (!Files.isDirectory(directory)) {
      return Optional.empty();
    }
    Manifest manifest = Manifest.read(directory);
    manifest.verify(directory);
    return Optional.of(manifest);
  }

  /** The folder of a model, its files checked; fetched if they are not here. */
  Path model(String name, int version, byte[] manifestJson, Manifest manifest, Fetch fetch)
      throws IOException {
    String entry = entry(name, version);
    use(entry);
    return alone(
        entry,
        () -> {
          Path directory = root.resolve(entry);
          if (isWhole(directory, manifest)) {
            touch(directory);
            return directory;
          }
          try (WorkFolder.Aside aside = work.aside()) {
            evictFor(entry, manifest.files().stream().mapToLong(Manifest.FileEntry::size).sum());
            fetch.into(aside.folder());
            move(aside.folder(), directory, manifestJson, manifest);
          }
          return directory;
        });
  }

  /** Takes over a folder with the files of a model that was just published. */
  Path adopt(String name, int version, Path folder, byte[] manifestJson) throws IOException {
    Path directory = directory(name, version);
    Manifest manifest = Manifest.parse(manifestJson, directory.toString());
    return model(
        name,
        version,
        manifestJson,
        manifest,
        target -> {
          Files.delete(target);
          Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
          Files.createDirectory(folder);
        });
  }

  private static boolean isWhole(Path directory, Manifest manifest) {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try {
      Manifest here = Manifest.read(directory);
      manifest.verify(directory);
      return here.equals(manifest);
    } catch (IOException e) {
      LOG.warn("The copy in {} is damaged and fetched again: {}", directory, e.getMessage());
      return false;
    }
  }

  private static void move(Path from, Path to, byte[] manifestJson, Manifest manifest)
      throws IOException {
    Files.write(from.resolve(Manifest.FILE), manifestJson);
    manifest.verify(from);
    StoreFiles.forceTree(from);
    Files.createDirectories(to.getParent());
    if (Files.exists(to)) {
      StoreFiles.deleteTree(to);
    }
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    StoreFiles.forceDirectory(to.getParent());
  }

  /**
   * The file of some weights, its hash checked; fetched if it is not here.
   *
   * @param reference {@code adapters/OWNER/SHA-256.safetensors}
   * @param bytes asked for its size before it is fetched
   */
  Path weights(String reference, SizeOf bytes, Fetch fetch) throws IOException {
    use(reference);
    try {
      return alone(
          reference,
          () -> {
            Path file = root.resolve(reference);
            if (Files.isRegularFile(file) && isNamedByHash(file, file)) {
              touch(file);
              return file;
            }
            try (WorkFolder.Aside aside = work.aside()) {
              evictFor(reference, bytes.get());
              Path fetched = aside.folder().resolve("weights");
              fetch.into(fetched);
              if (!isNamedByHash(fetched, file)) {
                throw new IOException(
                    reference + " does not have the hash it is named by: it is damaged");
              }
              Files.createDirectories(file.getParent());
              Files.move(
                  fetched,
                  file,
                  StandardCopyOption.ATOMIC_MOVE,
                  StandardCopyOption.REPLACE_EXISTING);
            }
            return file;
          });
    } catch (IOException e) {
      release(root.resolve(reference));
      throw e;
    }
  }

  /** A number that may have to be asked for. */
  @FunctionalInterface
  interface SizeOf {
    long get() throws IOException;
  }

  private static boolean isNamedByHash(Path content, Path named) throws IOException {
    return named.getFileName().toString().startsWith(Checksums.sha256(content) + ".");
  }

  /** Allows a file of weights to be evicted; others' files are not touched. */
  void release(Path file) throws IOException {
    if (file.startsWith(root)) {
      String entry = root.relativize(file).toString().replace('\\', '/');
      lock.call(
          () -> {
            uses.remove(entry);
            return null;
          });
    }
  }

  private void use(String entry) throws IOException {
    lock.call(
        () -> {
          uses.add(entry);
          return null;
        });
  }

  /** Two that want the same thing take turns, so that it is fetched once. */
  private <T> T alone(String entry, StoreLock.Action<T> action) throws IOException {
    String name = Checksums.sha256(entry).substring(0, 2) + ".lock"; // few files, few collisions
    return new StoreLock(root.resolve("locks").resolve(name)).call(action);
  }

  private static void touch(Path path) throws IOException {
    Files.setLastModifiedTime(path, FileTime.from(Instant.now()));
  }

  private void evictFor(String forEntry, long bytes) throws IOException {
    lock.call(
        () -> {
          Set<String> used = uses.all();
          List<Kept> kept = kept();
          kept.removeIf(one -> one.entry().equals(forEntry)); // it is replaced
          long total = bytes + kept.stream().mapToLong(Kept::bytes).sum();
          for (Kept one : kept) {
            if (total > maxBytes && !used.contains(one.entry())) {
              LOG.info("{} is evicted from the cache of models", one.entry());
              remove(one.path());
              total -= one.bytes();
            }
          }
          if (total > maxBytes) {
            throw new IOException(
                "%s needs %d MiB, and with what is in use the cache %s would have %d MiB of the %d allowed; raise hyperstream.model.s3.cache-megabytes"
                    .formatted(forEntry, mebibytes(bytes), root, mebibytes(total), maxBytes >> 20));
          }
          return null;
        });
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }

  private static void remove(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      StoreFiles.deleteTree(path);
    } else {
      Files.deleteIfExists(path);
    }
  }

  /** All there is, least recently asked for first. */
  private List<Kept> kept() throws IOException {
    List<Kept> kept = new ArrayList<>();
    for (String kind : List.of("models", "adapters")) {
      for (Path group : children(root.resolve(kind))) {
        for (Path path : children(group)) {
          String entry = kind + "/" + group.getFileName() + "/" + path.getFileName();
          kept.add(new Kept(entry, path, bytes(path), Files.getLastModifiedTime(path).toInstant()));
        }
      }
    }
    kept.sort(Comparator.comparing(Kept::asked));
    return kept;
  }

  private static List<Path> children(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> list = Files.list(folder)) {
      return list.toList();
    }
  }

  private static long bytes(Path path) throws IOException {
    long bytes = 0;
    try (Stream<Path> walk = Files.walk(path)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  @Override
  public void close() {
    try {
      lock.call(
          () -> {
            uses.close();
            return null;
          });
    } catch (IOException e) {
      LOG.warn("Cannot say that {} is used no longer; it ends with this process", root, e);
    }
  }
}
