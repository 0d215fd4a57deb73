package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Decides whether a challenger replaces the champion: if it is better with the probability that the
 * task requires. A first version needs less, because it only replaces the initial adapter.
 */
final class PromotionPolicy {
  static final double FIRST_VERSION = 0.8;

  private PromotionPolicy() {}

  /**
   * @param reason a sentence for the report
   */
  record Decision(boolean promote, String reason) {}

  /**
   * @param probability what the task asks for, 0.5 to 1
   * @param first whether no version serves yet
   */
  static Decision decide(Judged judged, double probability, boolean first) {
    String remark = judged.reason().isBlank() ? "" : "; " + judged.reason();
    if (judged.candidate().isEmpty()) {
      return new Decision(
          false, "No new version could be made" + (remark.isEmpty() ? "" : remark) + ".");
    }
    if (judged.probabilityBetter().isEmpty()) {
      return new Decision(
          false,
          "The new version could not be compared with what serves"
              + remark
              + "; more examples of every label would help.");
    }
    double asked = first ? Math.min(FIRST_VERSION, probability) : probability;
    double better = judged.probabilityBetter().getAsDouble();
    boolean promote = better >= asked;
    return new Decision(
        promote,
        String.format(
            Locale.ROOT,
            "%s with probability %.3f, %s %.2f is asked for%s, judged on %d examples%s%s.",
            promote ? "Better" : "Not clearly better: better",
            better,
            promote ? "where" : "but",
            asked,
            first ? " of a first version" : "",
            judged.judged(),
            changes(judged),
            remark));
  }

  private static String changes(Judged judged) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, Double> before : new TreeMap<>(judged.before()).entrySet()) {
      Double after = judged.after().get(before.getKey());
      if (after != null) {
        text.append(text.isEmpty() ? " (" : ", ")
            .append(
                String.format(
                    Locale.ROOT, "%s %.3f to %.3f", before.getKey(), before.getValue(), after));
      }
    }
    return text.isEmpty() ? "" : text.append(')').toString();
  }
}
