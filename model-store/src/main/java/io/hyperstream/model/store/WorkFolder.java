package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a store works on this machine before something appears in it.
 *
 * <pre>
 * staging/   being written; removed when its writer is gone
 * work/      resumable work; removed when untouched for {@link #WORK_KEPT}
 * </pre>
 *
 * Any thread; any number of processes may share the folder.
 */
final class WorkFolder {
  /** How long resumable work is kept after its last change. */
  static final Duration WORK_KEPT = Duration.ofDays(7);

  private static final Logger LOG = LoggerFactory.getLogger(WorkFolder.class);

  private final Path staging;
  private final Path work;
  private final StoreLock lock;

  /**
   * Creates the folders and removes what dead writers left; under a root that may only be read it
   * does neither.
   */
  WorkFolder(Path root, StoreLock lock) throws IOException {
    this.staging = root.resolve("staging");
    this.work = root.resolve("work");
    this.lock = lock;
    if (Files.isWritable(root)) {
      Files.createDirectories(staging);
      Files.createDirectories(work);
      removeStale();
    }
  }

  /** A new folder, of the caller until closed. */
  Aside aside() throws IOException {
    Path folder = staging.resolve(UUID.randomUUID().toString());
    // Under the lock, so that nobody takes a lease not yet held for a dead writer's.
    return lock.call(
        () -> {
          Files.createDirectory(folder);
          return new Aside(folder, StoreLock.lease(leaseFile(folder)));
        });
  }

  /** The folder of some work, the same for equal keys. */
  Path workFolder(String key) throws IOException {
    return Files.createDirectories(work.resolve(Checksums.sha256(key).substring(0, 32)));
  }

  /** A folder being written. What is still in it when it is closed is removed. */
  record Aside(Path folder, StoreLock.Lease lease) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      try {
        if (Files.exists(folder)) {
          StoreFiles.deleteTree(folder);
        }
      } finally {
        lease.close();
      }
    }
  }

  private void removeStale() throws IOException {
    lock.call(
        () -> {
          for (Path child : children(staging)) {
            if (Files.isDirectory(child) && !StoreLock.isHeld(leaseFile(child))) {
              LOG.info("Removing what a dead writer left: {}", child);
              StoreFiles.deleteTree(child);
              Files.deleteIfExists(leaseFile(child));
            }
          }
          Instant oldest = Instant.now().minus(WORK_KEPT);
          for (Path child : children(work)) {
            if (newest(child).isBefore(oldest)) {
              StoreFiles.deleteTree(child);
            }
          }
          return null;
        });
  }

  private static Path leaseFile(Path aside) {
    return aside.resolveSibling(aside.getFileName() + ".lease");
  }

  private static List<Path> children(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.sorted().toList();
    }
  }

  /** When anything in a folder last changed. */
  private static Instant newest(Path directory) throws IOException {
    Instant newest = Instant.EPOCH;
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path path : walk.toList()) {
        Instant changed = Files.getLastModifiedTime(path).toInstant();
        newest = changed.isAfter(newest) ? changed : newest;
      }
    }
    return newest;
  }
}
