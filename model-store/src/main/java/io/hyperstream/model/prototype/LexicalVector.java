package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;

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

  /** Of length 1, or without any place. */
  static LexicalVector unit(Map<Integer, Double> values) {
    int[] places =
        values.keySet().stream()
            .mapToInt(Integer::intValue)
            .filter(place -> values.get(place) != 0)
            .sorted()
            .toArray();
    double[] of = IntStream.of(places).mapToDouble(values::get).toArray();
    return new LexicalVector(places, Prototypes.unit(of));
  }

  LexicalVector times(double factor) {
    return factor == 1
        ? this
        : new LexicalVector(places, Arrays.stream(values).map(value -> factor * value).toArray());
  }

  /** With further values at places after all others; a 0 takes none. */
  LexicalVector with(int place, double... further) {
    int[] at = IntStream.range(0, further.length).filter(i -> further[i] != 0).toArray();
    int[] joinedPlaces = Arrays.copyOf(places, places.length + at.length);
    double[] joined = Arrays.copyOf(values, joinedPlaces.length);
    for (int i = 0; i < at.length; i++) {
      joinedPlaces[places.length + i] = place + at[i];
      joined[places.length + i] = further[at[i]];
    }
    return new LexicalVector(joinedPlaces, joined);
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
