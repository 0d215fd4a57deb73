package io.hyperstream.app.tracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.ApplicationContext;
import io.opentelemetry.api.trace.SpanKind;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@DisplayName("The configuration of traces")
class TracingFactoryTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final Logger log = (Logger) LoggerFactory.getLogger(WatchedExporter.class);
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();

  @BeforeEach
  void listen() {
    said.start();
    log.addAppender(said);
  }

  @AfterEach
  void stop() {
    log.detachAppender(said);
  }

  /** Sends what is queued after this many milliseconds, to here. */
  private static Map<String, Object> to(String endpoint, String... more) {
    Map<String, Object> properties = new HashMap<>();
    properties.put("hyperstream.tracing.enabled", true);
    properties.put("hyperstream.tracing.flush-patience", "10s");
    properties.put("hyperstream.tracing.properties.otel.exporter.otlp.endpoint", endpoint);
    properties.put("hyperstream.tracing.properties.otel.bsp.schedule.delay", "20");
    for (int i = 0; i < more.length; i += 2) {
      properties.put("hyperstream.tracing." + more[i], more[i + 1]);
    }
    return properties;
  }

  private static void spans(Tracing tracing, int count) {
    for (int i = 0; i < count; i++) {
      tracing.span("s" + i, SpanKind.INTERNAL).startSpan().end();
    }
  }

  private static double count(ApplicationContext context, String outcome) {
    MeterRegistry meters = context.getBean(MeterRegistry.class);
    var found = meters.get("hyperstream.tracing.spans").tag("outcome", outcome);
    return outcome.equals("dropped") ? found.functionCounter().count() : found.counter().count();
  }

  private List<String> said(String part) {
    return said.list.stream()
        .map(ILoggingEvent::getFormattedMessage)
        .filter(message -> message.contains(part))
        .toList();
  }

  @Test
  @DisplayName("is off unless it is switched on; its metrics are there and zero")
  void off() {
    try (ApplicationContext context = ApplicationContext.run()) {
      assertThat(context.getBean(Tracing.class).isOn()).isFalse();
      assertThat(count(context, "exported")).isZero();
      assertThat(count(context, "failed")).isZero();
      assertThat(count(context, "dropped")).isZero();
    }
  }

  @Test
  @DisplayName("sends over OTLP under our name, and what is queued when it closes")
  void sends() throws Exception {
    try (OtlpReceiver receiver = new OtlpReceiver()) {
      try (ApplicationContext context =
          ApplicationContext.run(
              to(receiver.endpoint(), "properties.otel.bsp.schedule.delay", "600000"))) {
        spans(context.getBean(Tracing.class), 3);
      }
      assertThat(receiver.spans())
          .extracting(s -> s.service() + " " + s.span().getName())
          .containsExactlyInAnyOrder("hyperstream s0", "hyperstream s1", "hyperstream s2");
      assertThat(receiver.bad()).isEmpty();
    }
  }

  @Test
  @DisplayName("follows OpenTelemetry's own settings before ours")
  void standardSettings() throws Exception {
    System.setProperty("otel.service.name", "theirs");
    try (OtlpReceiver receiver = new OtlpReceiver()) {
      Map<String, Object> properties =
          to(receiver.endpoint(), "properties.otel.service.name", "ours");
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        spans(context.getBean(Tracing.class), 1);
      }
      System.setProperty("otel.traces.sampler", "always_off");
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        assertThat(context.getBean(Tracing.class).isOn()).isTrue();
        spans(context.getBean(Tracing.class), 1);
      }
      System.setProperty("otel.sdk.disabled", "true");
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        assertThat(context.getBean(Tracing.class).isOn()).isFalse();
      }
      assertThat(receiver.spans()).extracting(s -> s.service()).containsExactly("theirs");
    } finally {
      System.clearProperty("otel.service.name");
      System.clearProperty("otel.traces.sampler");
      System.clearProperty("otel.sdk.disabled");
    }
  }

  @Test
  @DisplayName("says what is wrong with a setting")
  void refuses() {
    for (String[] wrong :
        new String[][] {
          {"properties.otel.exporter.otlp.protocol", "grpc", "http/protobuf"},
          {"properties.otel.traces.sampler", "most", "most"},
          {"properties.otel.traces.exporter", "zipkin", "zipkin"},
          {"properties.otel.bsp.schedule.delay", "soon", "soon"}
        }) {
      Map<String, Object> properties = to("http://127.0.0.1:1", wrong[0], wrong[1]);
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        assertThatThrownBy(() -> context.getBean(Tracing.class))
            .as(wrong[0])
            .hasMessageContaining("hyperstream.tracing is on")
            .hasMessageContaining(wrong[2]);
      }
    }
  }

  @Test
  @DisplayName("loses spans while the collector is away, counts them and says so once, both ways")
  void collectorAway() throws Exception {
    try (OtlpReceiver receiver = new OtlpReceiver();
        ApplicationContext context = ApplicationContext.run(to(receiver.endpoint()))) {
      Tracing tracing = context.getBean(Tracing.class);
      receiver.answer(400); // one that is not tried again
      spans(tracing, 5);
      await().atMost(SOON).until(() -> count(context, "failed") == 5);
      spans(tracing, 2);
      await().atMost(SOON).until(() -> count(context, "failed") == 7);
      assertThat(said("does not take traces")).hasSize(1);
      receiver.answer(200);
      spans(tracing, 4);
      await().atMost(SOON).until(() -> count(context, "exported") == 4);
      assertThat(said("takes traces again; 7 spans")).hasSize(1);
      assertThat(receiver.spans()).hasSize(4);
    }
  }

  @Test
  @Timeout(120)
  @DisplayName("closes within its patience while the collector does not answer")
  void closesInTime() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (OtlpReceiver receiver = new OtlpReceiver()) {
      receiver.hold(release);
      try (ApplicationContext context =
          ApplicationContext.run(
              to(
                  receiver.endpoint(),
                  "flush-patience",
                  "500ms",
                  "properties.otel.exporter.otlp.timeout",
                  "600000",
                  "properties.otel.bsp.export.timeout",
                  "600000"))) {
        spans(context.getBean(Tracing.class), 10);
      }
      assertThat(release.getCount()).isEqualTo(1); // it closed before that
      assertThat(receiver.spans()).isEmpty();
    }
  }

  @Test
  @DisplayName("drops spans when its queue is full, never waits for space, and counts them")
  void queueFull() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (OtlpReceiver receiver = new OtlpReceiver();
        ApplicationContext context =
            ApplicationContext.run(
                to(
                    receiver.endpoint(),
                    "properties.otel.bsp.max.queue.size",
                    "16",
                    "properties.otel.bsp.max.export.batch.size",
                    "8"))) {
      receiver.hold(release);
      spans(context.getBean(Tracing.class), 1_000); // nobody takes any meanwhile
      double dropped = count(context, "dropped");
      assertThat(dropped).isBetween(900.0, 1_000.0);
      release.countDown();
      await()
          .atMost(SOON)
          .until(() -> count(context, "exported") + count(context, "dropped") == 1_000);
      await().atMost(SOON).until(() -> said("faster than the collector").size() == 1);
    }
  }
}
