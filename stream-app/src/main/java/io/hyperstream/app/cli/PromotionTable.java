package io.hyperstream.app.cli;

import io.hyperstream.model.evaluation.PromotionEvaluation.Trial;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** How often trials would promote, by number of shots and version, on real and shuffled labels. */
final class PromotionTable {
  private static final double FIRST_THRESHOLD = 0.8;
  private static final double LATER_THRESHOLD = 0.9;

  private record Key(int shots, int version, boolean shuffled) {}

  private final Map<Key, List<Trial>> trials =
      new TreeMap<>(
          Comparator.comparingInt(Key::shots)
              .thenComparingInt(Key::version)
              .thenComparing(Key::shuffled));

  void add(Trial trial) {
    trials
        .computeIfAbsent(
            new Key(trial.shots(), trial.version(), trial.shuffled()), key -> new ArrayList<>())
        .add(trial);
  }

  /** The lines; none without a trial. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    if (!trials.isEmpty()) {
      lines.add("shots  version  labels    threshold  promoted  of trials");
    }
    trials.forEach(
        (key, of) -> {
          double threshold = key.version == 1 ? FIRST_THRESHOLD : LATER_THRESHOLD;
          long promoted = of.stream().filter(t -> t.probabilityBetter() >= threshold).count();
          lines.add(
              String.format(
                  Locale.ROOT,
                  "%5d  %7d  %-8s  %9.1f  %7.1f%%  %9d",
                  key.shots,
                  key.version,
                  key.shuffled ? "shuffled" : "real",
                  threshold,
                  100.0 * promoted / of.size(),
                  of.size()));
        });
    return lines;
  }
}
