package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.http.HttpProbe;
import io.hyperstream.app.tracing.OtlpReceiver;
import io.hyperstream.app.tracing.OtlpReceiver.Received;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.proto.trace.v1.Status;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Traces, from a producer to a collector")
@ExtendWith(SharedCluster.class)
class TracingIT {
  @TempDir Path folder;

  private static AppFixture traced(String prefix, Path folder, String endpoint) throws Exception {
    return new AppFixture(prefix, folder)
        .set("tracing.enabled", true)
        .set("tracing.properties.otel.exporter.otlp.endpoint", endpoint)
        .set("tracing.properties.otel.bsp.schedule.delay", "50");
  }

  /** Sends a request in a span of its own, as a producer with OpenTelemetry does. */
  private static Span produce(
      AppFixture app, SdkTracerProvider producer, String requestId, String taskId) {
    String topic = app.topics.requests().name();
    Span span = producer.get("test").spanBuilder("send").setSpanKind(SpanKind.PRODUCER).startSpan();
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, app.encode(AppFixture.request(requestId, taskId, "a text")));
    W3CTraceContextPropagator.getInstance()
        .inject(
            Context.root().with(span),
            record.headers(),
            (headers, name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
    app.send(record);
    span.end();
    return span;
  }

  private static Optional<Received> find(OtlpReceiver collector, Span parent) {
    return collector.spans().stream()
        .filter(span -> span.parentId().equals(parent.getSpanContext().getSpanId()))
        .findFirst();
  }

  @Test
  @DisplayName("lead from the sent record over its batch to the prediction, or to the dead letter")
  void wholeWay() throws Exception {
    try (OtlpReceiver collector = new OtlpReceiver();
        SdkTracerProvider producer =
            SdkTracerProvider.builder()
                .setResource(Resource.builder().put("service.name", "producer").build())
                .addSpanProcessor(
                    SimpleSpanProcessor.create(
                        OtlpHttpSpanExporter.builder()
                            .setEndpoint(collector.endpoint() + "/v1/traces")
                            .build()))
                .build();
        AppFixture app = traced("traced", folder, collector.endpoint())) {
      app.define(AppFixture.task("mood", "good", "bad"));
      app.start(Optional.of(new TestPredictor()));
      Span good = produce(app, producer, "r1", "mood");
      Span bad = produce(app, producer, "r2", "no-such-task");
      app.flush();
      app.awaitAnswers(2, AppFixture.PATIENCE);
      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> find(collector, good).isPresent() && find(collector, bad).isPresent());

      Received answered = find(collector, good).orElseThrow();
      assertThat(answered.service()).isEqualTo("hyperstream");
      assertThat(answered.traceId()).isEqualTo(good.getSpanContext().getTraceId());
      assertThat(answered.text("hyperstream.request.id")).isEqualTo("r1");
      assertThat(answered.text("messaging.consumer.group.name")).isEqualTo("traced-app");
      assertThat(answered.text("messaging.destination.name"))
          .isEqualTo(app.topics.requests().name());
      assertThat(trace(app.predictionRecords())).containsExactly(answered.traceparent());

      await().atMost(AppFixture.PATIENCE).until(() -> named(collector, "batch").size() == 1);
      Received batch = named(collector, "batch").get(0);
      assertThat(batch.linkedSpanIds()).containsExactly(answered.spanId());
      assertThat(answered.linkedSpanIds()).containsExactly(batch.spanId());
      assertThat(batch.attributes().get("hyperstream.batch.rows").getIntValue()).isEqualTo(1);

      Received refused = find(collector, bad).orElseThrow();
      assertThat(refused.traceId()).isEqualTo(bad.getSpanContext().getTraceId());
      assertThat(refused.text("error.type")).isEqualTo("UNKNOWN_TASK");
      assertThat(refused.span().getStatus().getCode())
          .isEqualTo(Status.StatusCode.STATUS_CODE_ERROR);
      assertThat(trace(app.deadLetterRecords())).containsExactly(refused.traceparent());
      assertThat(named(collector, "send")).extracting(Received::service).containsOnly("producer");

      http(collector, app.application().port());
      assertThat(collector.bad()).isEmpty();
    }
  }

  /** A question over HTTP has a span for the call and one for each task's answer. */
  private static void http(OtlpReceiver collector, int port) throws Exception {
    String caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    HttpProbe.Answer answer =
        new HttpProbe(port)
            .with("traceparent", caller)
            .post("/api/predict", "{\"taskId\":\"mood\",\"text\":\"a text\"}");
    assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
    await()
        .atMost(AppFixture.PATIENCE)
        .until(() -> named(collector, "POST /api/predict").size() == 1);
    Received call = named(collector, "POST /api/predict").get(0);
    assertThat(call.parentId()).isEqualTo("b7ad6b7169203331");
    assertThat(answer.header("traceparent")).isEqualTo(call.traceparent());
    assertThat(call.attributes().get("http.response.status_code").getIntValue()).isEqualTo(200);
    await().atMost(AppFixture.PATIENCE).until(() -> named(collector, "answer").size() == 1);
    Received question = named(collector, "answer").get(0);
    assertThat(question.parentId()).isEqualTo(call.spanId());
    assertThat(question.text("hyperstream.task.id")).isEqualTo("mood");
    assertThat(question.linkedSpanIds()).hasSize(1);
  }

  private static List<Received> named(OtlpReceiver collector, String name) {
    return collector.spans().stream().filter(s -> s.span().getName().equals(name)).toList();
  }

  private static List<String> trace(List<ConsumerRecord<byte[], byte[]>> records) {
    return records.stream().map(record -> AppFixture.header(record, "traceparent")).toList();
  }

  @Test
  @DisplayName("are lost while no collector listens, and no record waits for them")
  void collectorAway() throws Exception {
    String nobody;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = "http://127.0.0.1:" + free.getLocalPort();
    }
    try (AppFixture app = traced("untraced", folder, nobody)) {
      app.set("tracing.properties.otel.bsp.max.queue.size", "64")
          .set("tracing.properties.otel.bsp.max.export.batch.size", "32")
          .set("tracing.flush-patience", "200ms");
      app.define(AppFixture.task("mood", "good", "bad"));
      app.start(Optional.of(new TestPredictor()));
      for (int i = 0; i < 1_000; i++) {
        app.request("k" + i, AppFixture.request("r" + i, "mood", "text " + i));
      }
      app.flush();
      app.awaitAnswers(1_000, AppFixture.PATIENCE);
      assertThat(app.predictionRecords()).hasSize(1_000);
      assertThat(app.count("hyperstream.prefetch.misses")).isZero();
      MeterRegistry meters = app.application().context().getBean(MeterRegistry.class);
      assertThat(
              meters
                  .get("hyperstream.tracing.spans")
                  .tag("outcome", "dropped")
                  .functionCounter()
                  .count())
          .isPositive();
      await()
          .atMost(AppFixture.PATIENCE)
          .until(
              () ->
                  meters.get("hyperstream.tracing.spans").tag("outcome", "failed").counter().count()
                      > 0);
    }
  }
}
