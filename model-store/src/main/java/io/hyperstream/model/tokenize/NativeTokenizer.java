package io.hyperstream.model.tokenize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A tokenizer over native memory that never changes: any number of threads encode at once, {@link
 * #close} waits for them, and later calls fail instead of touching freed memory.
 */
abstract class NativeTokenizer implements Tokenizer {
  /** Largest file of a tokenizer that is read; XLM-R's has 17 MB. */
  private static final int MAX_FILE_BYTES = 64 << 20;

  private final ReentrantReadWriteLock lifecycle = new ReentrantReadWriteLock();
  private boolean closed;

  /**
   * Makes sure that a tokenizer's file can be read.
   *
   * @param need what to say if it is not there
   * @throws NoSuchFileException if it is not there
   * @throws IOException if it is too large
   */
  static void requireFile(Path file, String need) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString(), null, need);
    }
    if (Files.size(file) > MAX_FILE_BYTES) {
      throw new IOException(
          file + " has " + Files.size(file) + " bytes; a tokenizer has at most " + MAX_FILE_BYTES);
    }
  }

  /** The ids of well-formed text, without special tokens; any thread, not after {@link #free}. */
  abstract int[] encodeWellFormed(String text);

  /** Frees the native memory; called once. */
  abstract void free();

  @Override
  public int[] pieces(String text, int enough) {
    return Texts.prefix(text, enough, this::pieces);
  }

  @Override
  public int[] pieces(String text) {
    String clean = Texts.replaceUnpairedSurrogates(text);
    lifecycle.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      return encodeWellFormed(clean);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lifecycle.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        free();
      }
    } finally {
      lifecycle.writeLock().unlock();
    }
  }
}
