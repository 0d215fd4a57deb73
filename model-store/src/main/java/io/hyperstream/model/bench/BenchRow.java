package io.hyperstream.model.bench;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One measurement.
 *
 * @param bench what was measured
 * @param config under which settings, in order
 * @param value the median over the repetitions
 * @param ratioTo the measurement of the same run it is compared with; empty if none
 * @param ratio value over that one's; not a number if none
 * @param spread interquartile range of the repetitions over their median: how far to trust it
 */
public record BenchRow(
    String bench,
    Map<String, Object> config,
    double value,
    String unit,
    String ratioTo,
    double ratio,
    double spread) {

  public BenchRow {
    config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
  }

  static BenchRow of(String bench, Map<String, Object> config, Samples rate, String unit) {
    return new BenchRow(bench, config, rate.median(), unit, "", Double.NaN, rate.spread());
  }

  BenchRow comparedTo(String other, double itsValue) {
    return new BenchRow(bench, config, value, unit, other, value / itsValue, spread);
  }

  /** For JSON: {@code ratio} is null where there is none. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("bench", bench);
    map.put("config", config);
    map.put("value", value);
    map.put("unit", unit);
    map.put("ratioTo", ratioTo.isEmpty() ? null : ratioTo);
    map.put("ratio", Double.isNaN(ratio) ? null : ratio);
    map.put("spread", spread);
    return map;
  }
}
