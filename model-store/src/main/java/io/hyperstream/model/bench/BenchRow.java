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
 * @param ratio the median over the rounds of this over that one's value in the same round; not a
 *     number if there is none
 * @param spread interquartile range of the repetitions over their median, of the ratio where there
 *     is one: how far to trust it
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

  /** A row of repetitions, compared with nothing. */
  public static BenchRow of(String bench, Map<String, Object> config, Samples values, String unit) {
    return new BenchRow(bench, config, values.median(), unit, "", Double.NaN, values.spread());
  }

  /** Something that is counted, not timed: it has no spread. */
  public static BenchRow counted(
      String bench, Map<String, Object> config, double value, String unit) {
    return new BenchRow(bench, config, value, unit, "", Double.NaN, 0);
  }

  /** The same with a ratio to another measurement of the run, round by round. */
  BenchRow comparedTo(String other, Samples ratios) {
    return new BenchRow(bench, config, value, unit, other, ratios.median(), ratios.spread());
  }

  /** The same with a ratio to another measurement of the run. */
  public BenchRow withRatio(String other, double newRatio) {
    return new BenchRow(bench, config, value, unit, other, newRatio, spread);
  }

  /** The same under other settings. */
  public BenchRow withConfig(Map<String, Object> newConfig) {
    return new BenchRow(bench, newConfig, value, unit, ratioTo, ratio, spread);
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
