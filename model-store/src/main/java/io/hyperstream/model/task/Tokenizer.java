package io.hyperstream.model.task;

import ai.djl.sentencepiece.SpTokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * T5's tokenizer: a SentencePiece unigram model read from {@code spiece.model}.
 *
 * <p>Thread-safe: encoding reads an immutable native model, any number of threads at once; {@link
 * #close} waits for encodings under way, and later calls fail instead of touching freed memory.
 *
 * <p>Any string has defined ids: unpaired surrogates are read as U+FFFD, control characters and
 * symbols outside the vocabulary become the unknown piece, and text that looks like a control
 * symbol ({@code </s>}) is ordinary text, so that a user's text cannot end its own input.
 */
public final class Tokenizer implements AutoCloseable {
  /** Largest {@code spiece.model} that is read. */
  public static final int MAX_MODEL_BYTES = 64 << 20;

  /** A longer text is cut to what decides its first tokens before it is encoded. */
  private static final int CHARS_PER_TOKEN = 64;

  private static final char WORD_BOUNDARY = '\u2581';
  private static final int SENTINELS = 100;

  static {
    // DJL counts its users unless told not to.
    if (System.getProperty("OPT_OUT_TRACKING") == null) {
      System.setProperty("OPT_OUT_TRACKING", "true");
    }
  }

  /**
   * Token ids of one text.
   *
   * @param ids end token included
   * @param truncated whether tokens were cut
   */
  public record Encoded(int[] ids, boolean truncated) {}

  private final SentencePieceVocabulary vocabulary;
  private final SpTokenizer nativeTokenizer;
  private final int endId;
  private final ReentrantReadWriteLock lifecycle = new ReentrantReadWriteLock();
  private boolean closed;

  private Tokenizer(SentencePieceVocabulary vocabulary, SpTokenizer nativeTokenizer, int endId) {
    this.vocabulary = vocabulary;
    this.nativeTokenizer = nativeTokenizer;
    this.endId = endId;
  }

  /**
   * Reads a tokenizer.
   *
   * @param file a SentencePiece model, {@code spiece.model} of a T5 checkpoint
   * @throws NoSuchFileException if it does not exist
   * @throws IOException if it cannot be read or is not a SentencePiece model with an end token
   */
  public static Tokenizer open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(
          file.toString(), null, "a T5 checkpoint needs its SentencePiece tokenizer here");
    }
    if (Files.size(file) > MAX_MODEL_BYTES) {
      throw new IOException(
          file + " has " + Files.size(file) + " bytes; a tokenizer has at most " + MAX_MODEL_BYTES);
    }
    byte[] model = Files.readAllBytes(file);
    SentencePieceVocabulary vocabulary;
    try {
      vocabulary = SentencePieceVocabulary.parse(model);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " is not a SentencePiece model: " + e.getMessage(), e);
    }
    int endId = vocabulary.controlId("</s>");
    if (endId < 0) {
      throw new IOException(file + " has no end token </s>; is it the tokenizer of a T5 model?");
    }
    try {
      return new Tokenizer(vocabulary, new SpTokenizer(model), endId);
    } catch (RuntimeException e) {
      throw new IOException("SentencePiece cannot load " + file + ": " + e.getMessage(), e);
    }
  }

  /** Number of pieces; a model's vocabulary may be larger (sentinels, padding). */
  public int size() {
    return vocabulary.size();
  }

  /**
   * Log-probability of a piece in the corpus the tokenizer was made from: how common it is. Control
   * pieces have none and give 0.
   */
  public float logProbability(int id) {
    return id >= 0
            && id < vocabulary.size()
            && vocabulary.type(id) == SentencePieceVocabulary.NORMAL
        ? vocabulary.score(id)
        : 0;
  }

  /** The id that ends every sequence, 1 for T5. */
  public int endId() {
    return endId;
  }

  /** All token ids of a text, end token appended. Cost is linear in the text. */
  public int[] encode(String text) {
    int[] pieces = encodePieces(text);
    int[] ids = Arrays.copyOf(pieces, pieces.length + 1);
    ids[pieces.length] = endId;
    return ids;
  }

  /**
   * At most {@code maxTokens} token ids, end token appended. Of a very long text only as much is
   * encoded as decides them.
   *
   * @param maxTokens at least 2
   */
  public Encoded encode(String text, int maxTokens) {
    if (maxTokens < 2) {
      throw new IllegalArgumentException(
          "a text needs room for a token and the end token; got " + maxTokens);
    }
    int[] pieces = encodePrefix(text, maxTokens);
    boolean truncated = pieces.length > maxTokens - 1;
    int kept = truncated ? maxTokens - 1 : pieces.length;
    int[] ids = Arrays.copyOf(pieces, kept + 1);
    ids[kept] = endId;
    return new Encoded(ids, truncated);
  }

  /** Pieces of the text, all of them or at least {@code enough}: no piece crosses a space. */
  private int[] encodePrefix(String text, int enough) {
    long window = Math.max(4096L, (long) enough * CHARS_PER_TOKEN);
    while (window < text.length()) {
      int cut = text.lastIndexOf(' ', (int) window);
      if (cut > 0) {
        int[] pieces = encodePieces(text.substring(0, cut));
        if (pieces.length >= enough) {
          return pieces;
        }
      }
      window *= 4;
    }
    return encodePieces(text);
  }

  private int[] encodePieces(String text) {
    String clean = replaceUnpairedSurrogates(text);
    lifecycle.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      return nativeTokenizer.getProcessor().encode(clean);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /**
   * The text of token ids: control tokens (padding, end) and ids outside the vocabulary are left
   * out, T5's sentinels are written {@code <extra_id_N>}, the unknown piece is {@code U+2047}.
   */
  public String decode(int[] ids) {
    StringBuilder out = new StringBuilder(ids.length * 4);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      boolean known = id >= 0 && id < vocabulary.size();
      if (known && vocabulary.type(id) == SentencePieceVocabulary.BYTE) {
        bytes.write(byteValue(vocabulary.piece(id)));
        continue;
      }
      flush(bytes, out);
      if (known) {
        switch (vocabulary.type(id)) {
          case SentencePieceVocabulary.CONTROL -> {}
          case SentencePieceVocabulary.UNKNOWN -> out.append(" \u2047 ");
          default -> out.append(vocabulary.piece(id).replace(WORD_BOUNDARY, ' '));
        }
      } else if (id >= vocabulary.size() && id < vocabulary.size() + SENTINELS) {
        // T5 numbers its sentinels from the end of the vocabulary.
        out.append(" <extra_id_").append(vocabulary.size() + SENTINELS - 1 - id).append('>');
      }
    }
    flush(bytes, out);
    return out.toString().strip();
  }

  /** A byte piece is written {@code <0xNN>}. */
  private static int byteValue(String piece) {
    return Integer.parseInt(piece.substring(3, piece.length() - 1), 16);
  }

  private static void flush(ByteArrayOutputStream bytes, StringBuilder out) {
    if (bytes.size() > 0) {
      out.append(bytes.toString(StandardCharsets.UTF_8));
      bytes.reset();
    }
  }

  static String replaceUnpairedSurrogates(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return rebuild(text);
      }
    }
    return text;
  }

  private static String rebuild(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }

  @Override
  public void close() {
    lifecycle.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        nativeTokenizer.close();
      }
    } finally {
      lifecycle.writeLock().unlock();
    }
  }
}
