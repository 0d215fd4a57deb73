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
 * @param leastRatio the least of the rounds' ratios; not a number if they are not known one by one
 * @param mostRatio the largest of them, likewise
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
    double leastRatio,
    double mostRatio,
    double spread) {

  public BenchRow {
    config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
  }

  /** A row of repetitions, compared with nothing. */
  public static BenchRow of(String bench, Map<String, Object> config, Samples values, String unit) {
    return valued(bench, config, values.median(), unit, values.spread());
  }

  /** Something that is counted, not timed: it has no spread. */
  public static BenchRow counted(
      String bench, Map<String, Object> config, double value, String unit) {
    return valued(bench, config, value, unit, 0);
  }

  /** A value that is known already, compared with nothing. */
  public static BenchRow valued(
      String bench, Map<String, Object> config, double value, String unit, double spread) {
    double none = Double.NaN;
    return new BenchRow(bench, config, value, unit, "", none, none, none, spread);
  }

  /** The same with a ratio to another measurement of the run, round by round. */
  public BenchRow comparedTo(String other, Samples ratios) {
    return new BenchRow(
        bench,
        config,
        value,
        unit,
        other,
        ratios.median(),
        ratios.quantile(0),
        ratios.quantile(1),
        ratios.spread());
  }

  /** The same with a ratio to another measurement of the run. */
  public BenchRow withRatio(String other, double newRatio) {
    double none = Double.NaN;
    return new BenchRow(bench, config, value, unit, other, newRatio, none, none, spread);
  }

  /** The same under other settings. */
  public BenchRow withConfig(Map<String, Object> newConfig) {
    return new BenchRow(
        bench, newConfig, value, unit, ratioTo, ratio, leastRatio, mostRatio, spread);
  }

  /** For JSON: ratios are null where there are none. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("bench", bench);
    map.put("config", config);
    map.put("value", value);
    map.put("unit", unit);
    map.put("ratioTo", ratioTo.isEmpty() ? null : ratioTo);
    map.put("ratio", Double.isNaN(ratio) ? null : ratio);
    map.put("leastRatio", Double.isNaN(leastRatio) ? null : leastRatio);
    map.put("mostRatio", Double.isNaN(mostRatio) ? null : mostRatio);
    map.put("spread", spread);
    return map;
  }
}
