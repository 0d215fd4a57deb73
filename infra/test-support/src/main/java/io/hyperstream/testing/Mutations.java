package io.hyperstream.testing;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/** Damaged variants of good input, the same for the same seed. */
public final class Mutations {
  private static final int MOST = 8;
  private static final byte[] TELLING = {0, 1, 2, 9, 10, 13, 32, 34, 39, 44, 58, 91, 92, 93, 123, 125, 127, -1, -2, -128};

  private Mutations() {}

  /** One of the examples with up to {@value #MOST} changes: bytes flipped, lost, repeated, moved. */
  public static byte[] of(List<byte[]> examples, long seed) {
    Random random = new Random(seed);
    byte[] bytes = examples.get(random.nextInt(examples.size())).clone();
    for (int change = random.nextInt(MOST) + 1; change > 0; change--) {
      bytes = changed(bytes, examples, random);
    }
    return bytes;
  }

  private static byte[] changed(byte[] bytes, List<byte[]> examples, Random random) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt(256)};
    }
    int at = random.nextInt(bytes.length);
    int length = random.nextInt(Math.min(64, bytes.length - at) + 1);
    return switch (random.nextInt(8)) {
      case 0 -> with(bytes, at, (byte) (bytes[at] ^ (1 << random.nextInt(8))));
      case 1 -> with(bytes, at, TELLING[random.nextInt(TELLING.length)]);
      case 2 -> with(bytes, at, (byte) random.nextInt(256));
      case 3 -> splice(bytes, at, length, new byte[0]);
      case 4 -> splice(bytes, at, 0, java.util.Arrays.copyOfRange(bytes, at, at + length));
      case 5 -> java.util.Arrays.copyOf(bytes, at);
      case 6 -> { // a number as long as numbers get
        byte[] number = new byte[random.nextInt(10) + 1];
        java.util.Arrays.fill(number, (byte) -1);
        number[number.length - 1] = (byte) random.nextInt(128);
        yield splice(bytes, at, Math.min(number.length, length), number);
      }
      default -> {
        byte[] other = examples.get(random.nextInt(examples.size()));
        int from = random.nextInt(other.length + 1);
        yield splice(bytes, at, length, java.util.Arrays.copyOfRange(other, from, other.length));
      }
    };
  }

  private static byte[] with(byte[] bytes, int at, byte value) {
    byte[] changed = bytes.clone();
    changed[at] = value;
    return changed;
  }

  private static byte[] splice(byte[] bytes, int at, int length, byte[] instead) {
    byte[] spliced = new byte[bytes.length - length + instead.length];
    System.arraycopy(bytes, 0, spliced, 0, at);
    System.arraycopy(instead, 0, spliced, at, instead.length);
    System.arraycopy(
        bytes, at + length, spliced, at + instead.length, bytes.length - at - length);
    return spliced;
  }

  /** Texts' UTF-8. */
  public static List<byte[]> utf8(String... texts) {
    return List.of(texts).stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }
}
