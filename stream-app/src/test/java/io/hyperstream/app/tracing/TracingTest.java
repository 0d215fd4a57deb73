package io.hyperstream.app.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;

@DisplayName("Tracing")
class TracingTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

  private final InMemorySpanExporter spans = InMemorySpanExporter.create();
  private final Tracing tracing = tracing(Sampler.parentBased(Sampler.alwaysOn()));

  private Tracing tracing(Sampler sampler) {
    OpenTelemetrySdk sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .setSampler(new LinkedSampler(sampler))
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .build();
    return Tracing.of(sdk, sdk::close);
  }

  private static Headers headers(String... namesAndValues) {
    RecordHeaders headers = new RecordHeaders();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.add(namesAndValues[i], namesAndValues[i + 1].getBytes(StandardCharsets.UTF_8));
    }
    return headers;
  }

  private static SpanContext found(Tracing tracing, Headers headers) {
    return Span.fromContext(tracing.contextOf(headers)).getSpanContext();
  }

  private static String value(Headers headers, String name) {
    var header = headers.lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  @Test
  @DisplayName("reads the context a record came with, its state too")
  void reads() {
    SpanContext found = found(tracing, headers("traceparent", PARENT, "tracestate", "a=1,b=2"));
    assertThat(found.getTraceId()).isEqualTo(TRACE);
    assertThat(found.getSpanId()).isEqualTo("b7ad6b7169203331");
    assertThat(found.isSampled()).isTrue();
    assertThat(found.isRemote()).isTrue();
    assertThat(found.getTraceState().get("b")).isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00-aa-bb-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "\u0000\uffff"
      })
  @DisplayName("takes a malformed traceparent for none, with its tracestate")
  void malformed(String traceparent) {
    Headers headers = headers("traceparent", traceparent, "tracestate", "a=1");
    assertThat(tracing.contextOf(headers)).isEqualTo(Context.root());
  }

  @Test
  @DisplayName("reads a traceparent of a later version as the specification says")
  void laterVersion() {
    Headers headers = headers("traceparent", PARENT.replaceFirst("00", "cc") + "-more");
    assertThat(found(tracing, headers).getTraceId()).isEqualTo(TRACE);
  }

  @Test
  @DisplayName("ignores a tracestate that is malformed or endless, and keeps the trace")
  void badState() {
    for (String state : new String[] {"no equals sign", "a=1,".repeat(1 << 18), "=".repeat(99)}) {
      SpanContext found = found(tracing, headers("traceparent", PARENT, "tracestate", state));
      assertThat(found.getTraceId()).isEqualTo(TRACE);
      assertThat(found.getTraceState().isEmpty()).isTrue();
    }
    RecordHeaders nulls = new RecordHeaders();
    nulls.add("traceparent", null).add("tracestate", null);
    assertThat(tracing.contextOf(nulls)).isEqualTo(Context.root());
  }

  @Test
  @DisplayName("writes a span's context in place of what was there, into a copy")
  void writes() {
    Headers before =
        headers("mine", "x", "traceparent", "nonsense", "tracestate", "a=1", "traceparent", PARENT);
    Span span =
        tracing.span("s", SpanKind.CONSUMER).setParent(tracing.contextOf(before)).startSpan();
    Headers after = Tracing.with(before, span.getSpanContext());
    assertThat(after.headers("traceparent")).hasSize(1);
    assertThat(value(after, "traceparent"))
        .isEqualTo("00-" + TRACE + "-" + span.getSpanContext().getSpanId() + "-01")
        .isEqualTo(Tracing.traceparent(span.getSpanContext()));
    assertThat(value(after, "tracestate")).isEqualTo("a=1");
    assertThat(value(after, "mine")).isEqualTo("x");
    assertThat(before.headers("traceparent")).hasSize(2);
    assertThat(Tracing.named(value(after, "traceparent")).getSpanId())
        .isEqualTo(span.getSpanContext().getSpanId());
  }

  @Test
  @DisplayName("does not pass on a tracestate without its traceparent")
  void orphanedState() {
    Headers before = headers("traceparent", "nonsense", "tracestate", "a=1");
    Span span =
        tracing.span("s", SpanKind.CONSUMER).setParent(tracing.contextOf(before)).startSpan();
    Headers after = Tracing.with(before, span.getSpanContext());
    assertThat(value(after, "tracestate")).isNull();
    assertThat(span.getSpanContext().getTraceId()).isNotEqualTo(TRACE);
  }

  @Test
  @DisplayName("while it is off: no context, no span, the same headers")
  void off() {
    Tracing off = Tracing.off();
    Headers headers = headers("traceparent", PARENT);
    assertThat(off.isOn()).isFalse();
    assertThat(off.contextOf(headers)).isSameAs(Context.root());
    assertThat(off.span("s", SpanKind.CONSUMER).startSpan().getSpanContext().isValid()).isFalse();
    assertThat(Tracing.with(headers, Span.getInvalid().getSpanContext())).isSameAs(headers);
    assertThat(Tracing.traceparent(SpanContext.getInvalid())).isEmpty();
    assertThat(Tracing.named("nonsense").isValid()).isFalse();
  }

  @Test
  @DisplayName("records what links to a recorded span, whatever share is sampled; nothing if off")
  void links() {
    SpanContext sampled = Tracing.named(PARENT);
    SpanContext not = Tracing.named(PARENT.replaceFirst("01$", "00"));
    Tracing none = tracing(Sampler.parentBased(Sampler.traceIdRatioBased(0)));
    assertThat(linked(none, not, sampled)).isTrue();
    assertThat(linked(none, not)).isFalse();
    assertThat(linked(none)).isFalse();
    assertThat(linked(tracing(Sampler.alwaysOff()), sampled)).isFalse();
    assertThat(linked(tracing(Sampler.parentBased(Sampler.alwaysOff())), sampled)).isTrue();
  }

  private static boolean linked(Tracing tracing, SpanContext... to) {
    var builder = tracing.span("s", SpanKind.INTERNAL).setNoParent();
    for (SpanContext link : to) {
      builder.addLink(link);
    }
    return builder.startSpan().getSpanContext().isSampled();
  }

  @Test
  @DisplayName("says in the fields of a log line what it is about, and takes it back")
  void logFields() {
    MDC.put("before", "x");
    Span span = Span.wrap(Tracing.named(PARENT));
    try (LogFields request = LogFields.ofRequest("r", "t", span)) {
      assertThat(MDC.getCopyOfContextMap())
          .containsOnly(
              Map.entry("before", "x"),
              Map.entry("requestId", "r"),
              Map.entry("taskId", "t"),
              Map.entry("traceId", TRACE));
      try (LogFields task = LogFields.ofTask("other")) {
        assertThat(task).isNotNull();
        assertThat(MDC.get("taskId")).isEqualTo("other");
      }
      assertThat(MDC.get("taskId")).isEqualTo("t");
      assertThat(request).isNotNull();
    }
    assertThat(MDC.getCopyOfContextMap()).containsOnly(Map.entry("before", "x"));
    MDC.clear();
    try (LogFields nothing = LogFields.ofRequest("", "", Span.getInvalid())) {
      assertThat(nothing).isNotNull();
      assertThat(MDC.getCopyOfContextMap()).isNullOrEmpty();
    }
  }
}
