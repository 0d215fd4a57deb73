package io.hyperstream.model.tokenize;

import ai.djl.sentencepiece.SpTokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

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
public final class SentencePieceTokenizer extends NativeTokenizer {
  private static final char WORD_BOUNDARY = '\u2581';
  private static final int SENTINELS = 100;

  static {
    // DJL counts its users unless told not to.
    if (System.getProperty("OPT_OUT_TRACKING") == null) {
      System.setProperty("OPT_OUT_TRACKING", "true");
    }
  }

  private final SentencePieceVocabulary vocabulary;
  private final SpTokenizer nativeTokenizer;
  private final int endId;

  private SentencePieceTokenizer(
      SentencePieceVocabulary vocabulary, SpTokenizer nativeTokenizer, int endId) {
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
  public static SentencePieceTokenizer open(Path file) throws IOException {
    requireFile(file, "a T5 checkpoint needs its SentencePiece tokenizer here");
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
      return new SentencePieceTokenizer(vocabulary, new SpTokenizer(model), endId);
    } catch (RuntimeException e) {
      throw new IOException("SentencePiece cannot load " + file + ": " + e.getMessage(), e);
    }
  }

  /** Number of pieces; a model's vocabulary may be larger (sentinels, padding). */
  @Override
  public int size() {
    return vocabulary.size();
  }

  @Override
  public double information(int id) {
    return id >= 0
            && id < vocabulary.size()
            && vocabulary.type(id) == SentencePieceVocabulary.NORMAL
        ? -vocabulary.score(id)
        : 0;
  }

  /** The id that ends every sequence, 1 for T5. */
  public int endId() {
    return endId;
  }

  @Override
  public int specials() {
    return 1;
  }

  @Override
  public int pairSpecials() {
    return 1;
  }

  @Override
  public int[] wrap(int[] pieces) {
    int[] ids = Arrays.copyOf(pieces, pieces.length + 1);
    ids[pieces.length] = endId;
    return ids;
  }

  /** T5 has no separator: the texts stand one after the other. */
  @Override
  public Pair wrap(int[] first, int[] second) {
    int[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    int[] ids = wrap(both);
    return new Pair(ids, ids.length);
  }

  @Override
  int[] encodeWellFormed(String text) {
    return nativeTokenizer.getProcessor().encode(text);
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

  @Override
  void free() {
    nativeTokenizer.close();
  }
}
