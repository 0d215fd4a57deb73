package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.event;
import static io.hyperstream.app.adaptation.AdaptationFixture.header;
import static io.hyperstream.app.adaptation.AdaptationFixture.policy;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static io.hyperstream.app.adaptation.AdaptationFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.AdaptationAction;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

@DisplayName("The traces of adaptation")
class AdaptationTracesTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @TempDir private Path folder;
  private final InMemorySpanExporter spans = InMemorySpanExporter.create();
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();
  private final Logger log = (Logger) LoggerFactory.getLogger(Publisher.class);
  private AdaptationFixture app;

  @BeforeEach
  void start() throws Exception {
    OpenTelemetrySdk sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .build();
    app =
        new AdaptationFixture(
            folder, AdaptationFixture.options(false), Tracing.of(sdk, sdk::close));
    app.define(task("mood", "good", "bad").setAdaptation(policy(4).build()));
    said.start();
    log.addAppender(said);
  }

  @AfterEach
  void stop() {
    log.detachAppender(said);
    app.close();
  }

  /** In a trace of its own. */
  private void send(String topic, SpecificRecord record, int span) {
    RecordHeaders headers = new RecordHeaders();
    headers.add("traceparent", utf8(String.format(Locale.ROOT, "00-%s-%016x-01", TRACE, span)));
    app.pipe(topic, new TestRecord<>(utf8("any"), app.codec.serialize(topic, record), headers));
  }

  private void teach(int from, int to) {
    for (int i = from; i < to; i++) {
      String label = i % 2 == 0 ? "good" : "bad";
      send(app.topics.labels().name(), event("mood", "text " + i, label).build(), 100 + i);
    }
  }

  private void order(AdaptationAction action, int span) {
    send(app.topics.commands().name(), command("mood", action).build(), span);
  }

  private SpanData span() {
    List<SpanData> all = spans.getFinishedSpanItems();
    assertThat(all).hasSize(1);
    return all.get(0);
  }

  private static List<Long> linked(SpanData span) {
    return span.getLinks().stream()
        .map(link -> Long.parseLong(link.getSpanContext().getSpanId(), 16))
        .toList();
  }

  /** Of the one report there is. */
  private String reportTrace() {
    List<TestRecord<byte[], byte[]>> reports = app.reportRecords();
    assertThat(reports).hasSize(1);
    return header(reports.get(0), "traceparent");
  }

  @Test
  @DisplayName("link a job to the labels that made it due, and its report to the job")
  void byLabels() {
    teach(0, 4);
    app.adapt("mood", 1);
    SpanData job = span();
    assertThat(job.getName()).isEqualTo("adapt");
    assertThat(job.getParentSpanContext().isValid()).isFalse();
    assertThat(linked(job)).containsExactly(100L, 101L, 102L, 103L);
    assertThat(job.getAttributes().asMap())
        .containsEntry(SpanKeys.TASK_ID, "mood")
        .containsEntry(SpanKeys.JOB_TRIGGER, "examples")
        .containsEntry(SpanKeys.EXAMPLES, 4L)
        .containsEntry(SpanKeys.OUTCOME, "PROMOTED")
        .containsEntry(SpanKeys.ADAPTER_VERSION, 1L);
    assertThat(reportTrace()).isEqualTo(Tracing.traceparent(job.getSpanContext()));
    assertThat(job.toString()).doesNotContain("text 1");
    assertThat(said.list)
        .filteredOn(event -> event.getFormattedMessage().contains("PROMOTED"))
        .extracting(ILoggingEvent::getMDCPropertyMap)
        .containsExactly(Map.of("taskId", "mood", "traceId", job.getTraceId()));

    spans.reset();
    teach(4, 8);
    app.adapt("mood", 0);
    assertThat(linked(span())).containsExactly(104L, 105L, 106L, 107L);
    assertThat(span().getAttributes().get(SpanKeys.OUTCOME)).isEqualTo("NOT_PROMOTED");
    assertThat(span().getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
  }

  @Test
  @DisplayName("link a job to the command that asked for it, kept with the order")
  void byCommand() {
    app.labels("mood", 0, 2);
    order(AdaptationAction.ADAPT, 7);
    assertThat(app.state("mood").getOrders().get(0).getTraceparent())
        .isEqualTo("00-" + TRACE + "-0000000000000007-01");
    app.trainer.failed(app.next("mood"), "out of memory");
    app.tick();
    SpanData job = span();
    assertThat(linked(job)).containsExactly(7L);
    assertThat(job.getAttributes().get(SpanKeys.COMMAND_ID)).isEqualTo("ADAPT-1");
    assertThat(job.getAttributes().get(SpanKeys.OUTCOME)).isEqualTo("FAILED");
    assertThat(job.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(job.getStatus().getDescription()).isEmpty();
    assertThat(reportTrace()).isEqualTo(Tracing.traceparent(job.getSpanContext()));
  }

  @Test
  @DisplayName("go from a command without a job to its report, and from one that is given up")
  void withoutJob() {
    app.labels("mood", 0, 2);
    order(AdaptationAction.EVALUATE, 8);
    order(AdaptationAction.FREEZE, 9);
    assertThat(spans.getFinishedSpanItems()).isEmpty(); // it had not begun
    assertThat(app.reportRecords())
        .extracting(report -> header(report, "traceparent"))
        .containsExactly(
            "00-" + TRACE + "-0000000000000008-01", "00-" + TRACE + "-0000000000000009-01");
  }

  @Test
  @DisplayName("end a job that is given up; its report is in its trace")
  void givenUp() {
    teach(0, 4);
    app.next("mood");
    order(AdaptationAction.FREEZE, 9);
    assertThat(span().getAttributes().get(SpanKeys.OUTCOME)).isEqualTo("CANCELLED");
    List<TestRecord<byte[], byte[]>> reports = app.reportRecords();
    assertThat(header(reports.get(0), "traceparent"))
        .isEqualTo(Tracing.traceparent(span().getSpanContext()));
    assertThat(header(reports.get(1), "traceparent")).contains("0000000000000009");
  }

  @Test
  @DisplayName(
      "do not begin with records without one: jobs are recorded, reports of others are not")
  void untraced() throws Exception {
    app.labels("mood", 0, 4);
    app.adapt("mood", 1);
    assertThat(span().getLinks()).isEmpty();
    assertThat(reportTrace()).contains(span().getTraceId());
    app.command(command("mood", AdaptationAction.RESET));
    assertThat(reportTrace()).isNull();
  }
}
