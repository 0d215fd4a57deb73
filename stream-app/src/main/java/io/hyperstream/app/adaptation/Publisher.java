package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.ServedState;
import io.hyperstream.schemas.Topics;
import io.opentelemetry.api.trace.Span;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only writer of versions and reports. Each call is part of one transaction with the state it
 * belongs to. Records belong to the current trace, if there is one. Stream thread only.
 */
final class Publisher {
  private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);

  /** Key, headers and the batch's own frame. */
  private static final int FRAME_BYTES = 4 * 1024;

  private final ProcessorContext<byte[], byte[]> context;
  private final OutputRecords output;
  private final Topics topics;
  private final TaskStore tasks;
  private final ExampleBuffer buffer;
  private final VersionLog versions;
  private final AdaptationMetrics metrics;

  Publisher(
      ProcessorContext<byte[], byte[]> context,
      OutputRecords output,
      Topics topics,
      TaskStore tasks,
      ExampleBuffer buffer,
      VersionLog versions,
      AdaptationMetrics metrics) {
    this.context = context;
    this.output = output;
    this.topics = topics;
    this.tasks = tasks;
    this.buffer = buffer;
    this.versions = versions;
    this.metrics = metrics;
  }

  /**
   * Publishes the next version of a task and makes it the champion.
   *
   * @param content everything but task, model, number and time
   * @param learnt what it has learnt from; the version itself is filled in
   * @return its number; empty, and nothing written, if it is too large for a record
   */
  Optional<Long> publish(
      String taskId,
      TaskState state,
      AdapterVersion.Builder content,
      StoredVersion.Builder learnt) {
    ModelProgress progress = tasks.progress(state);
    String modelId = tasks.modelId();
    long number = progress.getLastVersion() + 1;
    AdapterVersion version =
        content
            .setTaskId(taskId)
            .setModelId(modelId)
            .setVersion(number)
            .setCreatedAt(Instant.ofEpochMilli(context.currentSystemTimeMs()))
            .build();
    byte[] served = output.encode(topics.adapters().name(), version);
    if (served.length > topics.adapters().maxRecordBytes() - FRAME_BYTES) {
      return Optional.empty();
    }
    byte[] kept = output.encode(topics.adapterVersions().name(), version);
    progress.setLastVersion(number);
    serve(taskId, state, progress, number);
    forward(AdaptationTopology.ADAPTERS, servedKey(modelId, taskId), served);
    VersionLog.Key key = new VersionLog.Key(taskId, modelId, number);
    forward(AdaptationTopology.VERSIONS, keptKey(key), kept);
    versions.add(key, learnt.setVersion(ByteBuffer.wrap(kept)).build());
    drop(new VersionLog.Key(taskId, modelId, number - VersionLog.KEPT));
    LOG.info("Task '{}' gets version {} ({})", taskId, number, version.getForm());
    return Optional.of(number);
  }

  /** Makes the initial adapter serve a task again. */
  void withdraw(String taskId, TaskState state) {
    ModelProgress progress = tasks.progress(state);
    progress.setPinnedBy(null);
    if (progress.getChampion() != 0) {
      serve(taskId, state, progress, 0);
      forward(AdaptationTopology.ADAPTERS, servedKey(tasks.modelId(), taskId), null);
    }
  }

  /** From now on it is this version whose right answers are counted. */
  private void serve(String taskId, TaskState state, ModelProgress progress, long version) {
    progress.setChampion(version);
    progress.setChampionTested(0L);
    progress.setChampionCorrect(0L);
    state.setRecent(ByteBuffer.allocate(0));
    metrics.recentAccuracy(taskId, new byte[0]);
  }

  /** Withdraws every version of a task, under every model; numbering continues. */
  void retire(String taskId, TaskState state) {
    state
        .getModels()
        .forEach(
            (modelId, progress) -> {
              progress.setPinnedBy(null);
              progress.setChampionTested(0L);
              progress.setChampionCorrect(0L);
              if (progress.getChampion() != 0) {
                progress.setChampion(0L);
                forward(AdaptationTopology.ADAPTERS, servedKey(modelId, taskId), null);
              }
            });
    versions.all(taskId).forEach(this::drop);
    metrics.recentAccuracy(taskId, new byte[0]);
  }

  private void drop(VersionLog.Key key) {
    if (versions.remove(key)) {
      forward(AdaptationTopology.VERSIONS, keptKey(key), null);
    }
  }

  /** A report about a task; what every report has is filled in. */
  AdaptationReport.Builder report(String taskId, AdaptationOutcome outcome) {
    Instant now = Instant.ofEpochMilli(context.currentSystemTimeMs());
    AdaptationReport.Builder report =
        AdaptationReport.newBuilder()
            .setReportId(UUID.randomUUID().toString())
            .setTaskId(taskId)
            .setModelId(tasks.modelId())
            .setOutcome(outcome)
            .setStartedAt(now)
            .setFinishedAt(now);
    tasks
        .state(taskId)
        .ifPresent(
            state -> {
              report.setChampionVersion(tasks.progress(state).getChampion());
              current(report, state);
            });
    return report;
  }

  /** What serves after all that was done, and its accuracy: none before a label was tested. */
  AdaptationReport.Builder current(AdaptationReport.Builder report, TaskState state) {
    ModelProgress progress = tasks.progress(state);
    long tested = state.getTested();
    return report
        .setServed(
            new ServedState(
                progress.getChampion(),
                progress.getChampionTested(),
                progress.getChampionCorrect(),
                progress.getPinnedBy()))
        .setPrequentialExamples(tested)
        .setPrequentialAccuracy(tested == 0 ? null : (double) state.getCorrect() / tested);
  }

  /** Says too which examples the task keeps now, unless its labels' names are too long for that. */
  void send(AdaptationReport.Builder report) {
    AdaptationReport written = report.setKeptExamples(buffer.counts(report.getTaskId())).build();
    byte[] value = output.encode(topics.reports().name(), written);
    if (value.length > topics.reports().maxRecordBytes() - FRAME_BYTES) {
      written.setKeptExamples(null);
      value = output.encode(topics.reports().name(), written);
    }
    forward(AdaptationTopology.REPORTS, written.getTaskId(), value);
    metrics.reports(written.getOutcome()).increment();
    LOG.info(
        "Task '{}': {} ({}). {}",
        written.getTaskId(),
        written.getOutcome(),
        written.getTrigger(),
        written.getReason());
  }

  private void forward(String sink, String key, byte[] value) {
    byte[] keyBytes = key.getBytes(StandardCharsets.UTF_8);
    Headers headers = Tracing.with(new RecordHeaders(), Span.current().getSpanContext());
    context.forward(new Record<>(keyBytes, value, context.currentSystemTimeMs(), headers), sink);
  }

  private static String servedKey(String modelId, String taskId) {
    return modelId + "|" + taskId;
  }

  private static String keptKey(VersionLog.Key key) {
    return servedKey(key.modelId(), key.taskId()) + "|" + key.version();
  }
}
