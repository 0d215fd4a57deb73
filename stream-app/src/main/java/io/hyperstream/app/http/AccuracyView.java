package io.hyperstream.app.http;

import io.hyperstream.model.task.Accuracy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.ServedState;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;

/**
 * How often the version that serves was right, on labels that it had not learnt, since it serves.
 *
 * @param version 0: the initial adapter
 * @param right how many labels it predicted before they counted
 * @param of so many
 * @param share 0 to 1; null: of no label
 * @param low where the 95 % interval of the share begins (Wilson); null: of no label
 * @param high where it ends
 */
@Serdeable
@Schema(name = "Accuracy")
public record AccuracyView(
    long version,
    long right,
    long of,
    @Nullable Double share,
    @Nullable Double low,
    @Nullable Double high) {

  /** Null if the report does not say. */
  static @Nullable AccuracyView of(AdaptationReport report) {
    ServedState served = report.getServed();
    if (served == null) {
      return null;
    }
    Accuracy accuracy = new Accuracy(served.getCorrect(), served.getTested());
    boolean none = accuracy.of() == 0;
    return new AccuracyView(
        served.getVersion(),
        accuracy.right(),
        accuracy.of(),
        none ? null : accuracy.share(),
        none ? null : accuracy.low(),
        none ? null : accuracy.high());
  }

  /** Who pinned what serves; null: nobody, or the report does not say. */
  static @Nullable String pinnedBy(AdaptationReport report) {
    return report.getServed() == null ? null : report.getServed().getPinnedBy();
  }
}
