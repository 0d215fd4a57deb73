package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.Topics;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

@DisplayName("The traces of inference")
class InferenceTracesTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PRODUCER = "b7ad6b7169203331";
  private static final String SECRET_TEXT = "nobody may read this";
  private static final String KEY = "customer-17";

  @TempDir private Path folder;
  private final InMemorySpanExporter spans = InMemorySpanExporter.create();
  private final Tracing tracing =
      Tracing.of(
          OpenTelemetrySdk.builder()
              .setTracerProvider(
                  SdkTracerProvider.builder()
                      .addSpanProcessor(SimpleSpanProcessor.create(spans))
                      .build())
              .build(),
          () -> {});
  private final TestPredictor predictor = new TestPredictor();
  private InferenceFixture fixture;
  private Topics topics;
  private RecordCodec codec;
  private Prefetcher prefetcher;
  private TestInputTopic<byte[], byte[]> requests;
  private TestOutputTopic<byte[], byte[]> predictions;
  private TestOutputTopic<byte[], byte[]> deadLetters;

  @BeforeEach
  void start() throws Exception {
    BatchPolicy twoRows = new BatchPolicy(2, 1000, Duration.ofSeconds(10)); // or nothing starts
    InferenceSpans inference = new InferenceSpans(tracing, "the-group");
    fixture = new InferenceFixture(predictor, folder, twoRows, 2, 2_000, inference);
    topics = fixture.topics;
    codec = fixture.codec;
    prefetcher = fixture.prefetcher;
    requests = fixture.input(topics.requests().name());
    predictions = fixture.output(topics.predictions().name());
    deadLetters = fixture.output(topics.deadLetters().name());
    TaskDefinition mood =
        TaskDefinition.newBuilder()
            .setTaskId("mood")
            .setKind(TaskKind.CLASSIFICATION)
            .setLabels(List.of(new TaskLabel("good", null, null), new TaskLabel("bad", null, null)))
            .build();
    fixture
        .input(topics.definitions().name())
        .pipeInput(utf8("mood"), codec.serialize(topics.definitions().name(), mood));
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Headers headers(String... namesAndValues) {
    RecordHeaders headers = new RecordHeaders();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.add(namesAndValues[i], utf8(namesAndValues[i + 1]));
    }
    return headers;
  }

  private static Headers traced(boolean sampled) {
    return headers("traceparent", "00-" + TRACE + "-" + PRODUCER + (sampled ? "-01" : "-00"));
  }

  private byte[] request(String id, String taskId, String text) {
    return codec.serialize(
        topics.requests().name(),
        InferenceRequest.newBuilder()
            .setRequestId(id)
            .setTaskId(taskId)
            .setText(text)
            .setCreatedAt(Instant.now())
            .build());
  }

  /** Polls these records and then processes them, as a stream thread does. */
  private void process(List<TestRecord<byte[], byte[]>> records) {
    TopicPartition partition = new TopicPartition(topics.requests().name(), 0);
    List<ConsumerRecord<byte[], byte[]>> polled = new java.util.ArrayList<>();
    for (TestRecord<byte[], byte[]> record : records) {
      polled.add(
          new ConsumerRecord<>(
              partition.topic(),
              0,
              polled.size(),
              0,
              TimestampType.CREATE_TIME,
              0,
              0,
              record.key(),
              record.value(),
              record.headers(),
              java.util.Optional.empty()));
    }
    prefetcher.polled(new ConsumerRecords<>(Map.of(partition, polled), Map.of()));
    requests.pipeRecordList(records);
  }

  private static TestRecord<byte[], byte[]> record(byte[] value, Headers headers) {
    return new TestRecord<>(utf8(KEY), value, headers, Instant.now());
  }

  private List<SpanData> named(String name) {
    return spans.getFinishedSpanItems().stream().filter(s -> s.getName().equals(name)).toList();
  }

  private List<SpanData> requestSpans() {
    return named("process " + topics.requests().name());
  }

  private static List<String> linked(SpanData span) {
    return span.getLinks().stream().map(LinkData::getSpanContext).map(c -> c.getSpanId()).toList();
  }

  private static String traceparent(TestRecord<byte[], byte[]> record) {
    Header header = record.headers().lastHeader("traceparent");
    return new String(header.value(), StandardCharsets.UTF_8);
  }

  private static String traceparent(SpanData span) {
    return Tracing.traceparent(span.getSpanContext());
  }

  @Test
  @DisplayName("go from the producer over a batch of several requests to each prediction")
  void wholeWay() {
    process(
        List.of(
            record(request("r0", "mood", SECRET_TEXT), traced(true)),
            record(request("r1", "mood", SECRET_TEXT), headers())));

    List<SpanData> processed = requestSpans();
    assertThat(processed).hasSize(2);
    SpanData first = processed.get(0);
    SpanData second = processed.get(1);
    assertThat(first.getTraceId()).isEqualTo(TRACE);
    assertThat(first.getParentSpanId()).isEqualTo(PRODUCER);
    assertThat(first.getKind()).isEqualTo(SpanKind.CONSUMER);
    assertThat(first.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
    assertThat(first.getAttributes().asMap())
        .containsEntry(SpanKeys.MESSAGING_SYSTEM, "kafka")
        .containsEntry(SpanKeys.MESSAGING_OPERATION_NAME, "process")
        .containsEntry(SpanKeys.MESSAGING_OPERATION_TYPE, "process")
        .containsEntry(SpanKeys.MESSAGING_DESTINATION, topics.requests().name())
        .containsEntry(SpanKeys.MESSAGING_PARTITION, "0")
        .containsEntry(SpanKeys.MESSAGING_OFFSET, 0L)
        .containsEntry(SpanKeys.MESSAGING_GROUP, "the-group")
        .containsEntry(SpanKeys.REQUEST_ID, "r0")
        .containsEntry(SpanKeys.TASK_ID, "mood")
        .containsEntry(SpanKeys.ADAPTER_VERSION, 0L)
        .containsEntry(SpanKeys.OUTCOME, "prediction");
    assertThat(second.getParentSpanContext().isValid()).isFalse();
    assertThat(second.getTraceId()).isNotEqualTo(TRACE);

    assertThat(named("batch")).hasSize(1);
    SpanData batch = named("batch").get(0);
    assertThat(batch.getParentSpanContext().isValid()).isFalse();
    assertThat(linked(batch)).containsExactlyInAnyOrder(first.getSpanId(), second.getSpanId());
    assertThat(linked(first)).containsExactly(batch.getSpanId());
    assertThat(linked(second)).containsExactly(batch.getSpanId());
    assertThat(batch.getAttributes().asMap())
        .containsEntry(SpanKeys.BATCH_ROWS, 2L)
        .containsEntry(SpanKeys.BATCH_TOKENS, 8L)
        .containsEntry(SpanKeys.BATCH_PADDED_TOKENS, 8L)
        .containsEntry(SpanKeys.BATCH_TASKS, List.of("mood"));

    List<TestRecord<byte[], byte[]>> answers = predictions.readRecordsToList();
    assertThat(answers)
        .extracting(InferenceTracesTest::traceparent)
        .containsExactly(traceparent(first), traceparent(second));
    for (SpanData span : spans.getFinishedSpanItems()) {
      assertThat(span.toString()).doesNotContain(SECRET_TEXT).doesNotContain(KEY);
    }
  }

  @Test
  @DisplayName("end in a dead letter with its code, and none of its words")
  void deadLetter() {
    byte[] unknown = request("r0", "no-such-task", SECRET_TEXT);
    process(List.of(record(unknown, traced(true)), record(utf8("not avro"), traced(true))));
    List<SpanData> processed = requestSpans();
    assertThat(processed)
        .allSatisfy(
            span -> {
              assertThat(span.getParentSpanId()).isEqualTo(PRODUCER);
              assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
              assertThat(span.getStatus().getDescription()).isEmpty();
              assertThat(span.getEvents()).isEmpty();
            });
    AttributeKey<String> error = SpanKeys.ERROR_TYPE;
    assertThat(processed)
        .extracting(span -> span.getAttributes().get(error))
        .containsExactly("UNKNOWN_TASK", "UNDECODABLE");
    assertThat(processed.get(0).getAttributes().get(SpanKeys.TASK_ID)).isEqualTo("no-such-task");
    assertThat(deadLetters.readRecordsToList())
        .extracting(InferenceTracesTest::traceparent)
        .containsExactly(traceparent(processed.get(0)), traceparent(processed.get(1)));
    assertThat(named("batch")).isEmpty();
  }

  @Test
  @DisplayName("are not recorded where the producer's is not, and go on all the same")
  void notSampled() {
    process(
        List.of(
            record(request("r0", "mood", "a text"), traced(false)),
            record(request("r1", "mood", "a text"), traced(false))));
    assertThat(spans.getFinishedSpanItems()).isEmpty();
    assertThat(predictions.readRecordsToList())
        .extracting(InferenceTracesTest::traceparent)
        .allMatch(header -> header.matches("00-" + TRACE + "-[0-9a-f]{16}-00"))
        .noneMatch(header -> header.contains(PRODUCER));
  }

  @Test
  @DisplayName("begin anew where headers are no trace context, and no record fails for them")
  void badHeaders() {
    process(
        List.of(
            record(request("r0", "mood", "a text"), headers("traceparent", "00-aa-bb-01")),
            record(
                request("r1", "mood", "a text"),
                headers(
                    "traceparent",
                    "00-" + TRACE + "-" + PRODUCER + "-01",
                    "tracestate",
                    "x".repeat(1 << 20)))));
    List<SpanData> processed = requestSpans();
    assertThat(processed.get(0).getParentSpanContext().isValid()).isFalse();
    assertThat(processed.get(1).getTraceId()).isEqualTo(TRACE);
    List<TestRecord<byte[], byte[]>> answers = predictions.readRecordsToList();
    assertThat(answers)
        .extracting(InferenceTracesTest::traceparent)
        .containsExactly(traceparent(processed.get(0)), traceparent(processed.get(1)));
    assertThat(answers).allMatch(answer -> answer.headers().lastHeader("tracestate") == null);
    assertThat(answers)
        .allMatch(answer -> answer.headers().lastHeader(HeaderPolicy.DROPPED) == null);
  }

  @Test
  @DisplayName("show each call of the device: a batch that fails, its halves, and whom they blame")
  void failingBatch() {
    ListAppender<ILoggingEvent> said = new ListAppender<>();
    Logger log = (Logger) LoggerFactory.getLogger(InferenceEngine.class);
    said.start();
    log.addAppender(said);
    try {
      process(
          List.of(
              record(request("r0", "mood", "fine"), traced(true)),
              record(request("r1", "mood", "poison"), traced(true))));
    } finally {
      log.detachAppender(said);
    }
    List<SpanData> batches = named("batch");
    assertThat(batches)
        .extracting(b -> b.getAttributes().get(SpanKeys.BATCH_ROWS))
        .containsExactly(2L, 1L, 1L, 1L);
    assertThat(batches)
        .extracting(b -> b.getAttributes().get(SpanKeys.ERROR_TYPE))
        .containsExactly(
            IllegalStateException.class.getName(),
            null,
            IllegalStateException.class.getName(),
            IllegalStateException.class.getName());
    SpanData poisoned = requestSpans().get(1);
    assertThat(linked(poisoned)).hasSize(3);
    assertThat(poisoned.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("MODEL_ERROR");
    assertThat(said.list)
        .filteredOn(event -> event.getFormattedMessage().contains("fails alone"))
        .extracting(ILoggingEvent::getMDCPropertyMap)
        .containsExactly(Map.of("requestId", "r1", "taskId", "mood", "traceId", TRACE));
  }

  @Test
  @DisplayName("keep one span over every attempt while the device is down")
  void retries() {
    predictor.deviceDown(true);
    CompletableFuture<Void> fixed =
        CompletableFuture.runAsync(
            () -> {
              await().until(() -> fixture.engine.deviceError().isPresent());
              predictor.deviceDown(false);
            });
    process(
        List.of(
            record(request("r0", "mood", "a text"), traced(true)),
            record(request("r1", "mood", "a text"), traced(true))));
    fixed.join();
    assertThat(requestSpans()).hasSize(2);
    assertThat(requestSpans().get(0).getLinks()).hasSizeGreaterThan(1);
  }

  @Test
  @DisplayName("say of a request that is taken away before its turn that it was evicted")
  void evicted() {
    TopicPartition partition = new TopicPartition(topics.requests().name(), 0);
    ConsumerRecord<byte[], byte[]> polled =
        new ConsumerRecord<>(partition.topic(), 0, 0, utf8(KEY), request("r0", "mood", "a text"));
    prefetcher.polled(new ConsumerRecords<>(Map.of(partition, List.of(polled)), Map.of()));
    assertThat(requestSpans()).isEmpty();
    prefetcher.evict(partition);
    assertThat(requestSpans())
        .extracting(span -> span.getAttributes().get(SpanKeys.OUTCOME))
        .containsExactly("evicted");
  }
}
