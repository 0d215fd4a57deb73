package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.ServedState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class AdaptationRenderingTest {
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00.250Z");

  @Test
  @DisplayName("versions: the served one is marked, control characters do not get through")
  void table() {
    List<String> lines =
        AdaptationRendering.table(
            List.of(entry("m", 1, false), entry("m", 2, true), entry("m", 3, false)));

    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).contains("version", "form", "bytes", "examples", "reason");
    assertThat(lines.get(1)).startsWith(" ").doesNotContain("\u001b");
    assertThat(lines.get(2))
        .startsWith("*       2  EMBEDDING        480       24  2026-03-01T12:00:00Z")
        .contains("accuracy 0.875, log_loss 0.412", "better [2J");
  }

  @Test
  @DisplayName("versions of several models are told apart")
  void models() {
    List<String> lines =
        AdaptationRendering.table(List.of(entry("m1", 1, true), entry("m2", 1, true)));

    assertThat(lines).contains("model m1", "model m2");
  }

  @Test
  @DisplayName("a report says what happened, why, and what was measured")
  void promoted() {
    AdaptationReport promoted =
        report()
            .setPublishedVersion(3L)
            .setForm(AdapterForm.PROTOTYPES)
            .setBefore(Map.of("accuracy", 0.5))
            .setAfter(Map.of("accuracy", 0.75, "macro_f1", 0.7))
            .setProbabilityBetter(0.97)
            .setPrequentialAccuracy(0.625)
            .setPrequentialExamples(40)
            .setServed(new ServedState(3L, 12L, 9L, "ann"))
            .build();

    assertThat(AdaptationRendering.lines(promoted))
        .containsExactly(
            "2026-03-01T12:00:00Z  desk  promoted, version 3 after 2",
            "    log-loss fell",
            "    accuracy 0.500 -> 0.750, macro_f1 ? -> 0.700; better with probability 0.970;"
                + " 24 examples, 8 held out; version 3 since it serves: 9 of 12 labels right, 75.0%"
                + " (46.8% to 91.1%), pinned by ann");
    assertThat(AdaptationRendering.brief(promoted))
        .isEqualTo(
            "version 3 (PROTOTYPES), accuracy on unseen examples 0.50 -> 0.75, 9 of 12 labels"
                + " right, 75.0% (46.8% to 91.1%)");
    assertThat(AdaptationRendering.brief(promoted.getServed()))
        .isEqualTo("75% (47-91%) of 12 pinned");
    assertThat(AdaptationRendering.toMap(promoted))
        .containsEntry("pinnedBy", "ann")
        .extractingByKey("accuracy")
        .asInstanceOf(InstanceOfAssertFactories.MAP)
        .containsEntry("version", 3L)
        .containsEntry("of", 12L)
        .containsEntry("share", 0.75);
  }

  @Test
  @DisplayName("an attempt that changed nothing says which version stays")
  void notPromoted() {
    AdaptationReport report =
        report().setOutcome(AdaptationOutcome.NOT_PROMOTED).setExamples(0).build();

    assertThat(AdaptationRendering.lines(report))
        .containsExactly(
            "2026-03-01T12:00:00Z  desk  not promoted, version 2 stays", "    log-loss fell");
    assertThat(AdaptationRendering.brief(report)).isEqualTo("not promoted, version 2 stays");
    assertThat(AdaptationRendering.toMap(report))
        .containsEntry("outcome", "NOT_PROMOTED")
        .containsEntry("publishedVersion", null)
        .containsEntry("accuracy", null)
        .containsEntry("pinnedBy", null);
  }

  private static AdaptationReport.Builder report() {
    return AdaptationReport.newBuilder()
        .setReportId("r")
        .setTaskId("desk")
        .setModelId("m")
        .setOutcome(AdaptationOutcome.PROMOTED)
        .setChampionVersion(2)
        .setExamples(24)
        .setHeldOut(8)
        .setReason("log-loss fell")
        .setStartedAt(NOON)
        .setFinishedAt(NOON);
  }

  private static VersionsTopic.Entry entry(String model, long version, boolean served) {
    return new VersionsTopic.Entry(
        AdapterVersion.newBuilder()
            .setTaskId("desk")
            .setVersion(version)
            .setModelId(model)
            .setForm(AdapterForm.EMBEDDING)
            .setMetrics(Map.of("log_loss", 0.412, "accuracy", 0.875))
            .setExamples(24)
            .setCreatedAt(NOON)
            .setReason("better\u001b[2J")
            .build(),
        served,
        480);
  }
}
