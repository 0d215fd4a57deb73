package io.hyperstream.model.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Mutual exclusion between the threads of this process and between processes, by a locked file. The
 * system frees it when its holder dies.
 */
final class StoreLock {
  // File locks belong to the process: within it, several stores on one folder share this lock.
  private static final ConcurrentMap<Path, ReentrantLock> IN_PROCESS = new ConcurrentHashMap<>();

  // Closing any channel on a file frees all locks this process has on it (POSIX), so the leases of
  // this process are never probed through the file.
  private static final Set<Path> LEASES = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final ReentrantLock threads;

  StoreLock(Path file) {
    this.file = file;
    this.threads = IN_PROCESS.computeIfAbsent(file, f -> new ReentrantLock());
  }

  /** Work done while holding the lock. */
  @FunctionalInterface
  interface Action<T> {
    T run() throws IOException;
  }

  /** Runs an action alone; waits for its turn. Not reentrant across processes' locks. */
  <T> T call(Action<T> action) throws IOException {
    threads.lock();
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      if (!held.isValid()) {
        throw new IOException("the lock on " + file + " was lost");
      }
      return action.run();
    } finally {
      threads.unlock();
    }
  }

  /** A sign of life: held until closed or until the process ends. */
  static final class Lease implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private Lease(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(file);
      LEASES.remove(file);
    }

    @Override
    public String toString() {
      return "lease " + file.getFileName();
    }
  }

  /** Takes a lease on a file nobody else uses. */
  static Lease lease(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    if (channel.tryLock() == null) {
      channel.close();
      throw new IOException(file + " is locked by another process");
    }
    LEASES.add(file);
    return new Lease(file, channel);
  }

  /** Whether somebody alive, in any process, holds a lease. */
  static boolean isHeld(Path file) throws IOException {
    if (LEASES.contains(file)) {
      return true;
    }
    if (!Files.exists(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    }
  }
}
