package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Decides whether a challenger replaces the champion: if its log loss is lower with the probability
 * that the task requires. A first version needs less, because it only replaces the model's answers
 * without examples. Says so in words: one sentence for people, then the numbers.
 */
final class PromotionPolicy {
  static final double FIRST_VERSION = 0.8;

  /** More new examples per label are not foretold: by then the task is another one. */
  static final int MOST_FORETOLD = 100;

  /** What gets this share of examples right is not suspected of having learnt wrong labels. */
  private static final double LITTLE_LEFT = 0.9;

  private PromotionPolicy() {}

  /**
   * What decides beside the judgement.
   *
   * @param probability what the task asks for, 0.5 to 1
   * @param champion the version that serves; 0: none does
   * @param next the number a new version would get
   * @param labels of the task
   * @param heldOutFraction the share of new examples that is held out
   * @param pinnedBy who pinned what serves
   * @param promotedBy who asked for a new version in any case
   */
  record Terms(
      double probability,
      long champion,
      long next,
      int labels,
      double heldOutFraction,
      Optional<String> pinnedBy,
      Optional<String> promotedBy) {

    boolean first() {
      return champion == 0;
    }

    double asked() {
      return first() ? Math.min(FIRST_VERSION, probability) : probability;
    }
  }

  /**
   * @param finding why, to be continued: "it gets 9 of 12 left-out examples right where ..."
   * @param figures sentences with what was measured; empty if nothing was
   */
  record Decision(boolean promote, Terms terms, String finding, String figures) {

    /** For the report of an attempt. */
    String reason() {
      return said(
          promote ? "Version " + terms.next() + " serves now" : serves("still serves"), finding);
    }

    /** For the report of an evaluation: nothing changed. */
    String evaluation() {
      return said(
          promote ? "A new version would be published" : serves("would still serve"), finding);
    }

    private String serves(String how) {
      return (terms.first() ? "The model without examples" : "Version " + terms.champion())
          + " "
          + how;
    }

    private String said(String what, String why) {
      return (what + ": " + why + ". " + figures).strip();
    }
  }

  static Decision decide(Judged judged, Terms terms) {
    Decision decision = judge(judged, terms);
    if (terms.promotedBy().isPresent() && judged.candidate().isPresent()) {
      String finding =
          terms.promotedBy().get()
              + " promoted it whatever the comparison says"
              + (decision.promote() ? ", and it says the same: " : ": ")
              + decision.finding();
      return new Decision(true, terms, finding, decision.figures());
    }
    if (terms.pinnedBy().isPresent()) {
      String finding =
          "it is pinned by "
              + terms.pinnedBy().get()
              + " until UNPIN; "
              + (decision.promote() ? "otherwise the new one would serve: " : "besides, ")
              + decision.finding();
      return new Decision(false, terms, finding, decision.figures());
    }
    return decision;
  }

  private static Decision judge(Judged judged, Terms terms) {
    String remark = judged.reason().isBlank() ? "" : sentence(judged.reason());
    if (judged.candidate().isEmpty()) {
      return new Decision(false, terms, "no new version could be made", remark);
    }
    if (judged.probabilityBetter().isEmpty()) {
      return new Decision(
          false,
          terms,
          "the new one could not be compared with it; more examples of every label would help",
          remark);
    }
    double better = judged.probabilityBetter().getAsDouble();
    boolean promote = better >= terms.asked();
    String figures =
        "%sBetter with probability %s, %s asked%s%s. %s"
            .formatted(
                losses(judged),
                shown(better, promote),
                shown(terms.asked(), true),
                terms.first() ? " of a first version" : "",
                promote ? "" : "; " + counts(judged, terms),
                remark);
    return new Decision(
        promote, terms, promote ? gained(judged, terms) : missed(judged, terms), figures.strip());
  }

  /** Two digits; a probability that is not enough is never shown as if it were. */
  private static String shown(double probability, boolean enough) {
    return BigDecimal.valueOf(probability)
        .setScale(2, enough ? RoundingMode.HALF_UP : RoundingMode.FLOOR)
        .toPlainString();
  }

  private static String sentence(String words) {
    return words.substring(0, 1).toUpperCase(Locale.ROOT)
        + words.substring(1)
        + (words.endsWith(".") ? "" : ".");
  }

  private static String losses(Judged judged) {
    Double before = judged.before().get("log_loss");
    Double after = judged.after().get("log_loss");
    return before == null || after == null
        ? ""
        : String.format(
            Locale.ROOT,
            "Log loss of calibrated probabilities %.3f to %.3f (less is better). ",
            before,
            after);
  }

  private static String gained(Judged judged, Terms terms) {
    long right = right(judged.after(), judged);
    long before = right(judged.before(), judged);
    if (right > before) {
      return "it gets " + counts(judged, terms);
    }
    return "its probabilities are better, and it gets " + counts(judged, terms);
  }

  private static long right(Map<String, Double> metrics, Judged judged) {
    return Math.round(metrics.getOrDefault("accuracy", 0.0) * judged.judged());
  }

  /** "9 of 12 left-out examples right where version 2 got 7". */
  private static String counts(Judged judged, Terms terms) {
    return "%d of %d left-out examples right where %s got %d"
        .formatted(
            right(judged.after(), judged),
            judged.judged(),
            terms.first() ? "the model without examples" : "version " + terms.champion(),
            right(judged.before(), judged));
  }

  private static String missed(Judged judged, Terms terms) {
    if (judged.gain().mean() <= 0) {
      return "the new one looks no better, and more of the same examples will hardly change that; "
          + (right(judged.before(), judged) >= LITTLE_LEFT * judged.judged()
              ? "little is left to gain"
              : "look for wrong or mixed labels");
    }
    int more = morePerLabel(judged, terms);
    return "the new one was not surely better (probability %s, %s asked); %s"
        .formatted(
            shown(judged.probabilityBetter().getAsDouble(), false),
            shown(terms.asked(), true),
            more > MOST_FORETOLD
                ? "they differ so little that more than "
                    + MOST_FORETOLD
                    + " more examples per label would be needed to tell them apart"
                : "about "
                    + more
                    + (more == 1 ? " more example" : " more examples")
                    + " per label should decide it");
  }

  /**
   * How many more examples per label would give the probability that is asked, if mean and spread
   * of the gain stayed what they are: the mean over n examples is z standard errors from 0 when n =
   * (z spread / mean)². Rounded to what such a guess is good for; more than {@link #MOST_FORETOLD}
   * means that it is not known.
   */
  static int morePerLabel(Judged judged, Terms terms) {
    double errors = quantile(terms.asked()) * judged.gain().spread() / judged.gain().mean();
    double judgedShare = judged.heldOutTrained() ? 1 : Math.max(0.01, terms.heldOutFraction());
    double more = (errors * errors - judged.judged()) / judgedShare / Math.max(1, terms.labels());
    if (more > MOST_FORETOLD) {
      return MOST_FORETOLD + 1;
    }
    int step = more <= 10 ? 1 : more <= 50 ? 5 : 10;
    return Math.max(1, (int) Math.ceil(more / step) * step);
  }

  /** Of the standard normal distribution, for 0.5 to 1, to two digits (Shore 1982). */
  private static double quantile(double probability) {
    return 5.5556 * (1 - Math.pow((1 - probability) / probability, 0.1186));
  }
}
