package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.Classroom.desk;
import static io.hyperstream.app.adaptation.Classroom.half;
import static io.hyperstream.app.adaptation.Classroom.onCommand;
import static io.hyperstream.app.adaptation.Classroom.order;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.Prediction;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Several instances")
@ExtendWith(SharedCluster.class)
class AdaptationInstancesIT {
  @TempDir Path folder;

  private Map<String, Object> elsewhere(String name, String roles) {
    return Map.of("roles", roles, "streams.state-dir", folder.resolve(name).toString());
  }

  @Test
  @DisplayName("a replica that starts later serves the same versions")
  void later() throws Exception {
    try (Classroom fixture = new Classroom("later", folder).start()) {
      fixture.app.define(desk("late", onCommand().build()));
      fixture.teach("late", half(0));
      AdaptationReport report = fixture.obey("late", AdaptationAction.ADAPT);
      assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.PROMOTED);
      fixture.awaitServed("late", 1);
      List<Prediction> before = fixture.ask("late", half(1));
      fixture.app.stop();
      try (HyperstreamApplication replica =
          fixture.app.startAnother(elsewhere("replica", "inference"))) {
        assertThat(replica.context().containsBean(AdaptationRuntime.class)).isFalse();
        List<Prediction> now = fixture.ask("late", half(1));
        assertThat(now).allMatch(answer -> answer.getAdapterVersion() == 1);
        Classroom.assertSame(before, now);
      }
    }
  }

  @Test
  @DisplayName("a job that a rebalance interrupts has one outcome, and versions have no gap")
  void rebalance() throws Exception {
    int tasks = 6;
    try (Classroom fixture = new Classroom("rebalance", folder)) {
      fixture.app.set("roles", "adaptation");
      fixture.start();
      Set<String> orders = new HashSet<>();
      for (int task = 0; task < tasks; task++) {
        fixture.app.define(desk("task-" + task, onCommand().setTuneWeights(true).build()));
        fixture.teach("task-" + task, half(0));
      }
      for (int task = 0; task < tasks; task++) {
        AdaptationCommand order = order("task-" + task, AdaptationAction.ADAPT).build();
        String topic = fixture.app.topics.commands().name();
        fixture.app.send(topic, "any", fixture.app.codec.serialize(topic, order));
        orders.add(order.getCommandId());
      }
      fixture.app.flush();
      MeterRegistry meters = fixture.app.application().context().getBean(MeterRegistry.class);
      await("a job")
          .atMost(Classroom.PATIENCE)
          .until(() -> meters.get("hyperstream.adaptation.jobs").gauge().value() > 0);
      try (HyperstreamApplication second =
          fixture.app.startAnother(elsewhere("second", "adaptation"))) {
        assertThat(second.context().containsBean(AdaptationRuntime.class)).isTrue();
        fixture.eventually("a first report", () -> reported(fixture, orders).stream().findFirst());
        fixture.app.stop(); // in the middle of what is left
        fixture.eventually(
            "a report on each order",
            () -> reported(fixture, orders).size() < tasks ? Optional.empty() : Optional.of(true));
        for (int task = 0; task < tasks; task++) { // nothing comes after the last word
          fixture.obey("task-" + task, AdaptationAction.EVALUATE);
        }
        for (int task = 0; task < tasks; task++) {
          String taskId = "task-" + task;
          List<AdaptationReport> ofTask =
              fixture.reports(taskId).stream()
                  .filter(report -> orders.contains(report.getCommandId()))
                  .toList();
          assertThat(ofTask).hasSize(1);
          assertThat(ofTask.get(0).getExamples() + ofTask.get(0).getHeldOut())
              .isEqualTo(half(0).size());
          boolean promoted = ofTask.get(0).getOutcome() == AdaptationOutcome.PROMOTED;
          assertThat(fixture.versions(taskId))
              .extracting(version -> version.getVersion())
              .isEqualTo(promoted ? List.of(1L) : List.of());
        }
      }
    }
  }

  private static Set<String> reported(Classroom fixture, Set<String> orders) {
    Set<String> reported = new HashSet<>();
    for (int task = 0; task < orders.size(); task++) {
      fixture.reports("task-" + task).stream()
          .map(AdaptationReport::getCommandId)
          .filter(orders::contains)
          .forEach(reported::add);
    }
    return reported;
  }
}
