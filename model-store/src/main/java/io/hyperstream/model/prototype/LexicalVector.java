package io.hyperstream.model.prototype;

import java.util.Arrays;

/**
 * Lexical features of one text, without the zeros: some dozens of {@link #WIDTH}.
 *
 * @param places ascending; not to be changed
 * @param values one per place; not to be changed
 */
public record LexicalVector(int[] places, double[] values) {
  /** Places there are: hashed ones and, for two texts, how they overlap. */
  public static final int WIDTH = LexicalFeatures.PLACES + LexicalFeatures.OVERLAPS;

  /** Of a text without words. */
  public static final LexicalVector NONE = new LexicalVector(new int[0], new double[0]);

  static LexicalVector of(double[] dense) {
    int[] places = new int[dense.length];
    int count = 0;
    for (int i = 0; i < dense.length; i++) {
      if (dense[i] != 0) {
        places[count++] = i;
      }
    }
    places = Arrays.copyOf(places, count);
    return new LexicalVector(places, Arrays.stream(places).mapToDouble(i -> dense[i]).toArray());
  }

  /** [{@link #WIDTH}]. */
  public double[] dense() {
    double[] out = new double[WIDTH];
    for (int i = 0; i < places.length; i++) {
      out[places[i]] = values[i];
    }
    return out;
  }
}
