package io.hyperstream.app.embedded;

import io.hyperstream.app.streams.LockedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;

/**
 * The directory an embedded cluster lives in, held by this process alone until closed. The
 * operating system gives the lock back when the process dies, however it dies.
 */
final class DataDirectory implements AutoCloseable {
  private static final String LOCK = "lock";
  private static final String HOLDER = "pid";
  private static final String PORTS = "ports.properties";

  private final Path path;
  private final LockedFile lock;

  private DataDirectory(Path path, LockedFile lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Takes the directory, creating it if needed.
   *
   * @throws EmbeddedClusterException if another process, or another cluster of this one, holds it
   */
  static DataDirectory open(Path path) {
    Path directory = path.toAbsolutePath().normalize();
    Optional<LockedFile> lock = Optional.empty();
    try {
      Files.createDirectories(directory);
      lock = LockedFile.take(directory.resolve(LOCK));
      if (lock.isEmpty()) {
        throw new EmbeddedClusterException(inUse(directory));
      }
      // In a file of its own: where locks are mandatory, others cannot read the locked one.
      Files.writeString(directory.resolve(HOLDER), Long.toString(ProcessHandle.current().pid()));
      return new DataDirectory(directory, lock.get());
    } catch (IOException e) {
      lock.ifPresent(DataDirectory::closeQuietly);
      throw new EmbeddedClusterException(
          "cannot use the data directory " + directory + " (" + e + "); choose a writable one", e);
    }
  }

  private static String inUse(Path directory) {
    String holder;
    try {
      holder = "process " + Files.readString(directory.resolve(HOLDER)).strip();
    } catch (IOException e) {
      holder = "another process";
    }
    return "the data directory "
        + directory
        + " is in use by "
        + holder
        + "; stop that process or choose another data directory";
  }

  Path path() {
    return path;
  }

  /** The port used last time under this name, so that clients find it again. */
  OptionalInt lastPort(String name) {
    String port = ports().getProperty(name, "");
    return port.matches("[1-9][0-9]{0,4}")
        ? OptionalInt.of(Integer.parseInt(port))
        : OptionalInt.empty();
  }

  void rememberPort(String name, int port) {
    Properties ports = ports();
    ports.setProperty(name, Integer.toString(port));
    try (var writer = Files.newBufferedWriter(path.resolve(PORTS))) {
      ports.store(writer, null);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + path.resolve(PORTS), e);
    }
  }

  private Properties ports() {
    Properties ports = new Properties();
    if (Files.exists(path.resolve(PORTS))) {
      try (var reader = Files.newBufferedReader(path.resolve(PORTS))) {
        ports.load(reader);
      } catch (IOException | IllegalArgumentException e) {
        return new Properties(); // a damaged file costs new ports, nothing else
      }
    }
    return ports;
  }

  @Override
  public void close() {
    closeQuietly(lock); // gives the lock back
  }

  private static void closeQuietly(LockedFile lock) {
    try {
      lock.close();
    } catch (IOException e) {
      // Nothing was written through it.
    }
  }
}
