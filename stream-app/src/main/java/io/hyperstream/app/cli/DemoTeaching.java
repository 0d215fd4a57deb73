package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The demo's second part: a task whose label names say nothing is defined by one record, asked,
 * taught by labelled events in batches while requests go on, and asked the same again. One run per
 * instance, on one thread.
 */
final class DemoTeaching implements AutoCloseable {
  static final String TASK = "demo/taught-task.yaml";
  static final String EXAMPLES = "demo/taught-examples.tsv";
  static final String TEST = "demo/taught-test.tsv";

  private static final int BATCH = 8;
  private static final long LABEL_MILLIS = 150;
  private static final Duration PROBE_EVERY = Duration.ofMillis(100);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Connection cluster;
  private final Console console;
  private final DemoTraffic traffic;
  private final PrintStream out;
  private final TaskDefinition task;
  private final List<DemoSentence> test = DemoSentence.read(TEST);
  private final TopicReader reader;
  private final NavigableMap<Long, Integer> versionBytes = new TreeMap<>();
  private AdaptationReport lastReport;
  private int taught;
  private Integer firstPromotion;
  private Double secondsToServe;

  DemoTeaching(Connection cluster, Console console, DemoTraffic traffic, PrintStream out)
      throws IOException {
    this.cluster = cluster;
    this.console = console;
    this.traffic = traffic;
    this.out = out;
    try (InputStream in = DemoTeaching.class.getResourceAsStream(TASK)) {
      task = TaskYaml.read(TASK, in).get(0);
    }
    reader =
        new TopicReader(
            cluster.consumer(),
            List.of(cluster.topics().reports().name(), cluster.topics().adapterVersions().name()),
            false);
  }

  DemoSummary.Adaptation run() throws InterruptedException {
    out.println();
    out.println(
        "A task that has to be taught: "
            + task.getTaskId()
            + ". Its labels are "
            + String.join(", ", task.getLabels().stream().map(label -> label.getName()).toList())
            + ":");
    out.println("the names say nothing about the texts, so that the model can only guess.");
    new TaskTopic(cluster, console).create(List.of(task));
    double before = ask(DemoResults.Phase.BEFORE);
    out.println(
        String.format(
            Locale.ROOT,
            "%d sentences, before any labelled example: %.1f%% right",
            test.size(),
            before * 100));
    List<DemoSentence> examples = DemoSentence.read(EXAMPLES);
    boolean answered = true;
    for (int from = 0; answered && from < examples.size(); from += BATCH) {
      answered = teach(examples.subList(from, Math.min(examples.size(), from + BATCH)));
    }
    double after = ask(DemoResults.Phase.AFTER);
    return new DemoSummary.Adaptation(
        task.getTaskId(),
        taught,
        firstPromotion,
        before,
        after,
        secondsToServe,
        versionBytes.get(newestVersion()),
        versionBytes.size());
  }

  /** Sends the test sentences; the share answered with the right label. */
  private double ask(DemoResults.Phase phase) throws InterruptedException {
    for (DemoSentence sentence : test) {
      traffic.send(sentence, phase, System.nanoTime());
    }
    traffic.awaitAnswers();
    return traffic.results().accuracy(phase);
  }

  /** Sends labelled events and waits for the outcome; tells whether anything did. */
  private boolean teach(List<DemoSentence> batch) throws InterruptedException {
    for (DemoSentence example : batch) {
      long due = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LABEL_MILLIS);
      label(example);
      out.println("  " + Rendering.fit(example.label(), 8) + " <- " + example.text());
      DemoTraffic.sleepUntil(due);
    }
    long lastLabel = System.nanoTime();
    long champion = newestVersion();
    while (!isSettled()) {
      if (System.nanoTime() - lastLabel > PATIENCE_NANOS) {
        out.println("  no report on these labels came; the demo stops teaching here");
        return false;
      }
      probe(batch.get(0));
    }
    long version = newestVersion();
    String served = "";
    if (version > champion) {
      OptionalLong first = traffic.results().firstAnswerNanos(task.getTaskId(), version);
      while (first.isEmpty() && System.nanoTime() - lastLabel < PATIENCE_NANOS) {
        probe(batch.get(0));
        first = traffic.results().firstAnswerNanos(task.getTaskId(), version);
      }
      if (first.isPresent()) {
        secondsToServe = Math.max(0, (first.getAsLong() - lastLabel) / 1e9);
        served = String.format(Locale.ROOT, ", answering after %.1f s", secondsToServe);
      }
    }
    if (lastReport.getPublishedVersion() != null && firstPromotion == null) {
      firstPromotion = taught;
    }
    out.println("  => " + AdaptationRendering.brief(lastReport) + served);
    return true;
  }

  private void label(DemoSentence example) throws InterruptedException {
    String topic = cluster.topics().labels().name();
    LabelEvent event =
        LabelEvent.newBuilder()
            .setTaskId(example.taskId())
            .setText(example.text())
            .setLabel(example.label())
            .setSource("demo")
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    traffic.send(
        new ProducerRecord<>(topic, example.taskId(), cluster.codec().serialize(topic, event)));
    taught++;
  }

  /** Whether the last report is about all examples sent so far, and its version has been read. */
  private boolean isSettled() {
    return lastReport != null
        && lastReport.getExamples() + lastReport.getHeldOut() >= taught
        && (lastReport.getPublishedVersion() == null
            || versionBytes.containsKey(lastReport.getPublishedVersion()));
  }

  /** A request, so that the new version has one to answer, and a look at what was published. */
  private void probe(DemoSentence sentence) throws InterruptedException {
    traffic.send(sentence, DemoResults.Phase.PROBE, System.nanoTime());
    long next = System.nanoTime() + PROBE_EVERY.toNanos();
    for (ConsumerRecord<byte[], byte[]> record : reader.poll(PROBE_EVERY)) {
      note(record);
    }
    DemoTraffic.sleepUntil(next);
  }

  private void note(ConsumerRecord<byte[], byte[]> record) {
    if (record.topic().equals(cluster.topics().reports().name())) {
      AdaptationRendering.read(record, task.getTaskId(), cluster)
          .ifPresent(report -> lastReport = report);
      return;
    }
    if (VersionsTopic.isOf(record, task.getTaskId()) && record.value() != null) {
      AdapterVersion version =
          cluster.codec().deserialize(record.topic(), record.value(), AdapterVersion.class);
      versionBytes.put(version.getVersion(), record.value().length);
    }
  }

  private long newestVersion() {
    return versionBytes.isEmpty() ? 0 : versionBytes.lastKey();
  }

  @Override
  public void close() {
    reader.close();
  }
}
