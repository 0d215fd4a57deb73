package io.hyperstream.app.streams;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A name that no other live process has and that the next process on the same folder gets again.
 * Transactional ids made from it let a restart after a crash abort what the crashed process left
 * open; a new name every time, which is what Kafka Streams takes when it has no files to keep,
 * leaves readers of committed records waiting for the whole transaction timeout.
 *
 * <p>Slots are files, locked while in use; the operating system releases the lock however the
 * process ends. Processes that share a folder get slots of their own. The folder must not be copied
 * to another machine that runs at the same time. Immutable; closing frees the slot.
 */
public final class InstanceSlot implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InstanceSlot.class);
  private static final int MOST_SLOTS = 1_000;
  private static final int NAME_BYTES = 36;
  private static final Pattern NAME = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final String name;
  private final Path folder;
  private final LockedFile file;

  private InstanceSlot(String name, Path folder, LockedFile file) {
    this.name = name;
    this.folder = folder;
    this.file = file;
  }

  /**
   * Takes the first free slot of an application.
   *
   * @param stateDir created if needed
   * @throws UncheckedIOException if the folder cannot be written to
   */
  public static InstanceSlot claim(Path stateDir, String applicationId) {
    Path folder = stateDir.resolve(applicationId + ".instances");
    try {
      Files.createDirectories(folder);
      for (int number = 0; number < MOST_SLOTS; number++) {
        Optional<LockedFile> file = LockedFile.take(folder.resolve("instance-" + number));
        if (file.isPresent()) {
          String name = name(file.get().channel());
          if (number > 0) {
            LOG.info(
                "Another process uses {} too; this process uses its own folder in it, {}",
                stateDir,
                name);
          }
          return new InstanceSlot(name, stateDir.resolve(name), file.get());
        }
      }
      throw new IOException("all " + MOST_SLOTS + " instances are taken");
    } catch (IOException e) {
      throw new UncheckedIOException(
          "hyperstream.streams.state-dir must be a folder this process can write to; "
              + folder
              + ": "
              + e,
          e);
    }
  }

  private static String name(FileChannel file) throws IOException {
    ByteBuffer there = ByteBuffer.allocate(NAME_BYTES);
    file.read(there, 0);
    String before = new String(there.array(), 0, there.position(), StandardCharsets.US_ASCII);
    if (NAME.matcher(before).matches()) {
      return before;
    }
    String fresh = UUID.randomUUID().toString();
    file.truncate(0);
    file.write(ByteBuffer.wrap(fresh.getBytes(StandardCharsets.US_ASCII)), 0);
    file.force(true);
    return fresh;
  }

  String name() {
    return name;
  }

  /** For files of this instance alone; there again after a restart. Made by whoever uses it. */
  public Path folder() {
    return folder;
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
