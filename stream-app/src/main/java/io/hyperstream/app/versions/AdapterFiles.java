package io.hyperstream.app.versions;

import io.hyperstream.model.checkpoint.Checksums;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Weights that came inside an adapter version, on disk rather than in the heap. A cache: the topic
 * has them, so the folder may be deleted between runs. One instance per folder. Thread-safe.
 */
public final class AdapterFiles {
  private static final Logger LOG = LoggerFactory.getLogger(AdapterFiles.class);

  private final Path folder;
  private final long graceNanos;
  private final Consumer<Path> elsewhere;
  private final LongSupplier nanoTime;
  private final Map<Path, Long> unused = new HashMap<>(); // since when; guarded by this
  private final Set<Path> kept = new HashSet<>(); // elsewhere; guarded by this

  /**
   * @param grace how long after {@link #release} a row that was prepared before may still need a
   *     file
   */
  public AdapterFiles(Path folder, Duration grace) {
    this(folder, grace, file -> {}, System::nanoTime);
  }

  /**
   * @param grace how long after {@link #release} a row that was prepared before may still need a
   *     file
   * @param elsewhere gets files of other origin once their grace has passed
   */
  public AdapterFiles(Path folder, Duration grace, Consumer<Path> elsewhere) {
    this(folder, grace, elsewhere, System::nanoTime);
  }

  AdapterFiles(Path folder, Duration grace, Consumer<Path> elsewhere, LongSupplier nanoTime) {
    this.folder = folder;
    this.elsewhere = elsewhere;
    this.graceNanos = grace.toNanos();
    this.nanoTime = nanoTime;
    if (Files.isDirectory(folder)) { // what an earlier run left is of use only if it comes again
      try (Stream<Path> left = Files.list(folder)) {
        left.forEach(this::release);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + folder, e);
      }
    }
  }

  /**
   * Writes the weights where the model can map them; the file appears whole or not at all.
   *
   * @param weights safetensors; consumed
   * @throws IllegalArgumentException if they do not have the hash they should
   */
  synchronized Path write(ByteBuffer weights, Optional<String> expectedSha256) throws IOException {
    MessageDigest digest = Checksums.sha256();
    digest.update(weights.duplicate());
    String sha256 = HexFormat.of().formatHex(digest.digest());
    if (expectedSha256.isPresent() && !expectedSha256.get().equalsIgnoreCase(sha256)) {
      throw new IllegalArgumentException(
          "the weights have SHA-256 " + sha256 + ", the version says " + expectedSha256.get());
    }
    Path file = folder.resolve(sha256 + ".safetensors");
    unused.remove(file);
    if (Files.exists(file) && Files.size(file) == weights.remaining()) {
      return file;
    }
    Files.createDirectories(folder);
    Path aside = Files.createTempFile(folder, "adapter", ".tmp");
    try (FileChannel channel = FileChannel.open(aside, StandardOpenOption.WRITE)) {
      while (weights.hasRemaining()) {
        channel.write(weights);
      }
      channel.force(true);
    }
    Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return file;
  }

  /** Says that a version needs a file that was just got from elsewhere. */
  public synchronized void keep(Path file) {
    unused.remove(file);
    if (!kept.add(file)) {
      elsewhere.accept(file); // got twice: one of them is given back
    }
  }

  /** Says that a version needs a file, whoever released it before. */
  public synchronized void use(Path file) {
    unused.remove(file);
  }

  /** Says that no version needs a file any more. */
  public synchronized void release(Path file) {
    unused.put(file, nanoTime.getAsLong());
  }

  /** Lets go what was released long enough ago and has not come again. */
  public synchronized void sweep() {
    long now = nanoTime.getAsLong();
    Iterator<Map.Entry<Path, Long>> entries = unused.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<Path, Long> entry = entries.next();
      if (now - entry.getValue() >= graceNanos) {
        entries.remove();
        letGo(entry.getKey());
      }
    }
  }

  private void letGo(Path file) {
    if (!folder.equals(file.getParent())) {
      kept.remove(file);
      elsewhere.accept(file);
      return;
    }
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) { // a cache: the next start tries again
      LOG.warn("Cannot delete {}", file, e);
    }
  }
}
