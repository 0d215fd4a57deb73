package io.hyperstream.app.streams;

import ai.djl.engine.EngineException;
import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.rocksdb.RocksDB;

/**
 * The native code of Kafka Streams' stores and of Kafka's compression. Each is a library that is
 * unpacked into the temporary folder, loaded from there and deleted when the process ends: a
 * process that is killed would leave it behind, 15 MB each time. Any thread.
 */
public final class NativeCode {
  private static final Path MAPPED = Path.of("/proc/self/maps");
  private static final Pattern UNPACKED =
      Pattern.compile("(librocksdbjni|liblz4-java-|libzstd-jni|snappy-).*\\.so");

  /** What a linker says begins with the library's file. */
  private static final Pattern LIBRARY = Pattern.compile("(/[^:\\n]+\\.(?:so|dylib)[^:\\n]*):");

  private NativeCode() {}

  /**
   * Loads it now, so that what cannot be loaded ends the start and not each thread that needs it.
   * Where the system allows it, deletes the files at once: what is loaded needs them no more.
   *
   * @throws IllegalStateException with a sentence if it cannot be loaded
   */
  public static void load() {
    try {
      RocksDB.loadLibrary();
      for (CompressionType type : CompressionType.values()) {
        Compression.of(type)
            .build()
            .wrapForOutput(new ByteBufferOutputStream(512), RecordBatch.CURRENT_MAGIC_VALUE)
            .close();
      }
      deleteUnpacked(Path.of(System.getProperty("java.io.tmpdir")));
    } catch (RuntimeException | LinkageError | IOException e) {
      throw new IllegalStateException(
          problem(e)
              .orElseGet(
                  () ->
                      notLoaded(
                          Path.of(System.getProperty("java.io.tmpdir")), reason(e).toString())),
          e);
    }
  }

  private static Throwable reason(Throwable failure) {
    Throwable reason = failure;
    while (reason.getCause() != null) {
      reason = reason.getCause();
    }
    return reason;
  }

  /** Those that this process has loaded, and so no one else's. */
  private static void deleteUnpacked(Path temporary) throws IOException {
    if (!Files.isReadable(MAPPED)) {
      return;
    }
    Path folder = temporary.toRealPath();
    try (Stream<String> lines = Files.lines(MAPPED)) {
      for (String mapped :
          (Iterable<String>) lines.filter(line -> line.indexOf('/') >= 0)::iterator) {
        Path library = Path.of(mapped.substring(mapped.indexOf('/')));
        String name = library.getFileName().toString();
        if (folder.equals(library.getParent()) && UNPACKED.matcher(name).matches()) {
          Files.deleteIfExists(library);
          Files.deleteIfExists(library.resolveSibling(name + ".lck"));
        }
      }
    }
  }

  /** Says what to do if the cause of a failure is native code that could not be loaded. */
  public static Optional<String> problem(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String said = String.valueOf(cause.getMessage());
      Matcher library = LIBRARY.matcher(said);
      if (said.contains(UnsatisfiedLinkError.class.getSimpleName())
          || cause instanceof UnsatisfiedLinkError) {
        return library.find()
            ? Optional.of(
                notLoaded(
                    Path.of(library.group(1)).getParent(),
                    said.substring(said.lastIndexOf(": ") + 2)))
            : Optional.of(notLoaded(Path.of(System.getProperty("java.io.tmpdir")), said));
      }
      if (cause instanceof FileSystemException file && isOfDjl(file)) {
        String reason =
            Optional.ofNullable(file.getReason()).orElse(file.getClass().getSimpleName());
        return Optional.of(notLoaded(Path.of(file.getFile()), reason));
      }
      if (cause instanceof EngineException && said.startsWith("Failed to load ")) {
        // Its cause names a flavor instead of the folder.
        return Optional.of(notLoaded(Utils.getEngineCacheDir(), said));
      }
    }
    return Optional.empty();
  }

  /** DJL writes no files but the libraries it unpacks. */
  private static boolean isOfDjl(FileSystemException failure) {
    return failure.getFile() != null
        && Stream.of(failure.getStackTrace())
            .anyMatch(call -> call.getClassName().startsWith("ai.djl."));
  }

  private static String notLoaded(Path folder, String reason) {
    return "native code cannot be loaded from "
        + folder
        + " ("
        + reason
        + "): it must be a folder that can be written to, on a file system without noexec. "
        + (folder.equals(Path.of(System.getProperty("java.io.tmpdir")))
            ? "Choose another with java -Djava.io.tmpdir=FOLDER"
            : "Choose another with DJL_CACHE_DIR=FOLDER in the environment");
  }
}
