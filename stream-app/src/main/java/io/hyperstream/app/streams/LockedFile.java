package io.hyperstream.app.streams;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A locked file: one holder at a time, among all processes and within this one. The operating
 * system frees it when its holder dies. Immutable; closing frees it.
 */
public final class LockedFile implements AutoCloseable {
  // Closing any channel on a file frees all locks this process has on it (POSIX), so a file that is
  // held here is never opened again.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private LockedFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes a file, creating it if needed; its folder must be there.
   *
   * @return empty if somebody else has it
   */
  public static Optional<LockedFile> take(Path path) throws IOException {
    Path file = path.toAbsolutePath().getParent().toRealPath().resolve(path.getFileName());
    if (!HELD.add(file)) {
      return Optional.empty();
    }
    FileChannel channel = null;
    FileLock lock = null;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      lock = channel.tryLock();
      return lock == null ? Optional.empty() : Optional.of(new LockedFile(file, channel));
    } finally {
      if (lock == null) {
        release(file, channel);
      }
    }
  }

  private static void release(Path file, FileChannel channel) throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      HELD.remove(file);
    }
  }

  /** Of the file, to read and write it; not to be closed. */
  FileChannel channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    release(file, channel);
  }
}
