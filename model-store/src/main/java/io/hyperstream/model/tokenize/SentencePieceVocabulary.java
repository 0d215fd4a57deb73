package io.hyperstream.model.tokenize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The pieces of a SentencePiece model, read from its protobuf. Needed because the native library
 * hands strings back through JNI's modified UTF-8, which is wrong beyond the basic plane: decoding
 * is done here instead.
 */
final class SentencePieceVocabulary {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int BYTE = 6;

  private static final int MAX_PIECES = 4_000_000;

  // Field numbers and wire types of sentencepiece_model.proto.
  private static final int PIECES = 1;
  private static final int PIECE_TEXT = 1;
  private static final int PIECE_SCORE = 2;
  private static final int PIECE_TYPE = 3;

  private final String[] pieces;
  private final byte[] types;
  private final float[] scores;

  private SentencePieceVocabulary(String[] pieces, byte[] types, float[] scores) {
    this.pieces = pieces;
    this.types = types;
    this.scores = scores;
  }

  /**
   * Reads the pieces of a serialised model.
   *
   * @throws IllegalArgumentException if the bytes are not a SentencePiece model
   */
  static SentencePieceVocabulary parse(byte[] model) {
    List<String> pieces = new ArrayList<>();
    List<Byte> types = new ArrayList<>();
    List<Float> scores = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(model).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      long tag = varint(in);
      if (tag >>> 3 == PIECES && (tag & 7) == 2) {
        if (pieces.size() == MAX_PIECES) {
          throw new IllegalArgumentException("it has more than " + MAX_PIECES + " pieces");
        }
        readPiece(message(in), pieces, types, scores);
      } else {
        skip(in, tag);
      }
    }
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("it has no pieces");
    }
    byte[] kinds = new byte[types.size()];
    float[] values = new float[kinds.length];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = types.get(i);
      values[i] = scores.get(i);
    }
    return new SentencePieceVocabulary(pieces.toArray(String[]::new), kinds, values);
  }

  private static void readPiece(
      ByteBuffer in, List<String> pieces, List<Byte> types, List<Float> scores) {
    String text = "";
    float score = 0;
    int type = NORMAL;
    while (in.hasRemaining()) {
      long tag = varint(in);
      if (tag >>> 3 == PIECE_TEXT && (tag & 7) == 2) {
        ByteBuffer bytes = message(in);
        text = StandardCharsets.UTF_8.decode(bytes).toString();
      } else if (tag >>> 3 == PIECE_TYPE && (tag & 7) == 0) {
        type = (int) varint(in);
      } else if (tag >>> 3 == PIECE_SCORE && (tag & 7) == 5 && in.remaining() >= Float.BYTES) {
        score = in.getFloat();
      } else {
        skip(in, tag);
      }
    }
    pieces.add(text);
    types.add((byte) type);
    scores.add(score);
  }

  private static ByteBuffer message(ByteBuffer in) {
    long length = varint(in);
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException("it ends inside a field at byte " + in.position());
    }
    ByteBuffer slice = in.slice(in.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + (int) length);
    return slice;
  }

  private static void skip(ByteBuffer in, long tag) {
    switch ((int) (tag & 7)) {
      case 0 -> varint(in);
      case 1 -> advance(in, 8);
      case 2 -> message(in);
      case 5 -> advance(in, 4);
      default ->
          throw new IllegalArgumentException("it has an unknown wire type at " + in.position());
    }
  }

  private static void advance(ByteBuffer in, int bytes) {
    if (in.remaining() < bytes) {
      throw new IllegalArgumentException("it ends inside a field at byte " + in.position());
    }
    in.position(in.position() + bytes);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!in.hasRemaining()) {
        throw new IllegalArgumentException("it ends inside a number at byte " + in.position());
      }
      byte b = in.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("it has a number of more than 64 bits at " + in.position());
  }

  int size() {
    return pieces.length;
  }

  String piece(int id) {
    return pieces[id];
  }

  /** Log-probability of the piece in the corpus the tokenizer was made from. */
  float score(int id) {
    return scores[id];
  }

  int type(int id) {
    return types[id];
  }

  /** The id of a control piece such as {@code </s>}, or -1. */
  int controlId(String piece) {
    for (int i = 0; i < pieces.length; i++) {
      if (types[i] == CONTROL && pieces[i].equals(piece)) {
        return i;
      }
    }
    return -1;
  }
}
