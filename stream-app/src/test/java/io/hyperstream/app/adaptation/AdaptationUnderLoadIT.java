package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationTestApp.every;
import static io.hyperstream.app.adaptation.AdaptationTestApp.half;
import static io.hyperstream.app.adaptation.AdaptationTestApp.libraryTask;
import static io.hyperstream.app.adaptation.AdaptationTestApp.onCommand;
import static io.hyperstream.app.adaptation.AdaptationTestApp.order;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.AdaptationTestApp.Sentence;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prediction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What it measures is printed, not judged: machines differ. */
@DisplayName("Adaptation beside inference")
@ExtendWith(SharedCluster.class)
class AdaptationUnderLoadIT {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationUnderLoadIT.class);

  /** How many tasks are taught one after the other. */
  private static final int TASKS = Integer.getInteger("hyperstream.measure.tasks", 3);

  /** Requests of a burst. */
  private static final int BURST = Integer.getInteger("hyperstream.measure.burst", 600);

  @TempDir Path folder;

  @Test
  @DisplayName("a version answers soon after the last label that led to it")
  void secondsToServe() throws Exception {
    Histogram micros = new Histogram(3);
    List<Integer> bytes = new ArrayList<>();
    try (AdaptationTestApp fixture = new AdaptationTestApp("soon", folder).start()) {
      List<Sentence> asked = half(1).subList(0, 1);
      for (int task = 0; task < TASKS; task++) {
        String taskId = "soon-" + task;
        fixture.app.define(libraryTask(taskId, every(half(0).size()).build()));
        fixture.ask(taskId, asked); // it is served before it is taught
        fixture.teach(taskId, half(0));
        long taught = System.nanoTime();
        boolean promoted =
            fixture.eventually(
                "version 1, or why there is none", () -> end(fixture, taskId, asked));
        if (!promoted) {
          continue; // no version, so nothing to time
        }
        micros.recordValue((System.nanoTime() - taught) / 1_000);
        bytes.add(sizeOfServed(fixture, taskId));
      }
      LOG.info(
          "{} of {} tasks taught with {} labels each: from the last label to the first answer by the new"
              + " version p50 {} s, p99 {} s; versions of {} to {} bytes; {} MiB resident",
          bytes.size(),
          TASKS,
          half(0).size(),
          micros.getValueAtPercentile(50) / 1e6,
          micros.getValueAtPercentile(99) / 1e6,
          bytes.stream().min(Integer::compare).orElseThrow(),
          bytes.stream().max(Integer::compare).orElseThrow(),
          residentMebibytes());
      assertThat(bytes).isNotEmpty().allMatch(size -> size > 0);
    }
  }

  /** Whether version 1 answers; empty while that is open. */
  private static Optional<Boolean> end(
      AdaptationTestApp fixture, String taskId, List<Sentence> asked) {
    if (fixture.ask(taskId, asked).get(0).getAdapterVersion() == 1) {
      return Optional.of(true);
    }
    return fixture.reports(taskId).stream()
        .map(report -> report.getOutcome() == AdaptationOutcome.PROMOTED)
        .filter(promoted -> !promoted)
        .findFirst();
  }

  private static int sizeOfServed(AdaptationTestApp fixture, String taskId) {
    AdapterVersion served = fixture.eventually("what is served", () -> fixture.served(taskId));
    return fixture.app.codec.serialize(fixture.app.topics.adapters().name(), served).length;
  }

  /** Of this process, with broker and test; 0 where that cannot be told. */
  private static long residentMebibytes() throws Exception {
    Path status = Path.of("/proc/self/status");
    return Files.exists(status)
        ? Files.readString(status)
            .lines()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
            .sum()
        : 0;
  }

  @Test
  @DisplayName("answers all requests while tasks are trained, those of other tasks as before")
  void throughput() throws Exception {
    try (AdaptationTestApp fixture = new AdaptationTestApp("beside", folder).start()) {
      fixture.app.define(AppFixture.task("pros_cons", "pros", "cons"));
      burst(fixture, "warm-");
      double alone = burst(fixture, "alone-");
      List<String> orders = new ArrayList<>();
      for (int task = 0; task < 6; task++) {
        String taskId = "busy-" + task;
        fixture.app.define(libraryTask(taskId, onCommand().setTuneWeights(true).build()));
        fixture.teach(taskId, half(0));
        AdaptationCommand order = order(taskId, AdaptationAction.ADAPT).build();
        String topic = fixture.app.topics.commands().name();
        fixture.app.send(topic, "any", fixture.app.codec.serialize(topic, order));
        orders.add(order.getCommandId());
      }
      fixture.app.flush();
      double beside = burst(fixture, "beside-");
      long done = reported(fixture, orders);
      LOG.info(
          "Requests per second: {} without training, {} with it ({} of {} tasks trained meanwhile)",
          String.format(Locale.ROOT, "%.0f", alone),
          String.format(Locale.ROOT, "%.0f", beside),
          done,
          orders.size());
      fixture.eventually(
          "all reports",
          () -> reported(fixture, orders) < orders.size() ? Optional.empty() : Optional.of(true));
      List<Prediction> before = fixture.answersTo("alone-", BURST);
      List<Prediction> meanwhile = fixture.answersTo("beside-", BURST);
      AdaptationTestApp.assertSame(before, meanwhile);
      assertThat(meanwhile).allMatch(answer -> answer.getAdapterVersion() == 0);
      assertThat(fixture.app.deadLetterRecords()).isEmpty();
    }
  }

  private static long reported(AdaptationTestApp fixture, List<String> orders) {
    return fixture.app.records(fixture.app.topics.reports()).stream()
        .map(record -> report(fixture, record))
        .filter(report -> report.getOutcome() != AdaptationOutcome.CANCELLED)
        .map(AdaptationReport::getCommandId)
        .filter(orders::contains)
        .distinct()
        .collect(Collectors.counting());
  }

  private static AdaptationReport report(
      AdaptationTestApp fixture, ConsumerRecord<byte[], byte[]> record) {
    return fixture.app.codec.deserialize(record.topic(), record.value(), AdaptationReport.class);
  }

  /** Requests per second. */
  private static double burst(AdaptationTestApp fixture, String prefix) throws Exception {
    List<Sentence> sentences = AdaptationTestApp.sentences();
    for (int i = 0; i < BURST; i++) {
      String text = sentences.get(i % sentences.size()).text();
      fixture.app.request("k" + i % 16, AppFixture.request(prefix + i, "pros_cons", text));
    }
    long start = System.nanoTime();
    fixture.app.flush();
    fixture.answersTo(prefix, BURST);
    return BURST / ((System.nanoTime() - start) / 1e9);
  }
}
