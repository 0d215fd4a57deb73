package io.hyperstream.app.tracing;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Makes spans and carries their context in the headers of records, as W3C's Trace Context says;
 * {@code OTEL_PROPAGATORS} changes nothing about that. While it is off there are no spans, every
 * context is the empty one and no header is touched. Thread-safe; nothing here waits or fails for
 * what a header holds.
 */
public final class Tracing implements AutoCloseable {
  private static final String SCOPE = "io.hyperstream";
  private static final TextMapPropagator W3C = W3CTraceContextPropagator.getInstance();
  private static final String TRACEPARENT = "traceparent";

  /** More than 32 entries of 513 characters, and so no {@code tracestate} whatever is in it. */
  private static final int MOST_BYTES = 17 * 1024;

  private static final Tracing OFF = new Tracing(OpenTelemetry.noop(), false, () -> {});

  private final boolean on;
  private final Tracer tracer;
  private final Runnable close;

  private Tracing(OpenTelemetry telemetry, boolean on, Runnable close) {
    this.on = on;
    this.close = close;
    String version = Tracing.class.getPackage().getImplementationVersion();
    tracer = telemetry.getTracer(SCOPE, version == null ? "unknown" : version);
  }

  /** Makes no spans. */
  public static Tracing off() {
    return OFF;
  }

  /**
   * Makes spans.
   *
   * @param close called once it is closed; to end what {@code telemetry} has running
   */
  public static Tracing of(OpenTelemetry telemetry, Runnable close) {
    return new Tracing(telemetry, true, close);
  }

  /** Whether spans are made; to be asked before anything is done for one. */
  public boolean isOn() {
    return on;
  }

  public SpanBuilder span(String name, SpanKind kind) {
    return tracer.spanBuilder(name).setSpanKind(kind);
  }

  /**
   * The context a record came with. What is no trace context is none: a malformed {@code
   * traceparent}, or a {@code tracestate} that is malformed or too long (that alone is ignored).
   */
  public Context contextOf(Headers headers) {
    return contextOf(headers, Tracing::header);
  }

  /** The same of any carrier of headers. */
  public <C> Context contextOf(C carrier, TextMapGetter<C> header) {
    if (!on) {
      return Context.root();
    }
    try {
      return W3C.extract(Context.root(), carrier, header);
    } catch (RuntimeException e) {
      return Context.root(); // a stranger wrote it; no record fails for that
    }
  }

  /**
   * Headers with this context in place of the one that is there.
   *
   * @return the same headers, unchanged, if there is no such span; else a copy
   */
  public static Headers with(Headers headers, SpanContext span) {
    if (!span.isValid()) {
      return headers;
    }
    RecordHeaders carried = new RecordHeaders(headers);
    W3C.fields().forEach(carried::remove);
    W3C.inject(
        Context.root().with(Span.wrap(span)),
        carried,
        (to, name, value) -> to.add(name, value.getBytes(StandardCharsets.UTF_8)));
    return carried;
  }

  /** A {@code traceparent} that names this span; empty if there is none. */
  public static String traceparent(SpanContext span) {
    return span.isValid()
        ? "00-" + span.getTraceId() + "-" + span.getSpanId() + "-" + span.getTraceFlags().asHex()
        : "";
  }

  /** The span a {@code traceparent} names; an invalid one if it names none. */
  public static SpanContext named(String traceparent) {
    Context context = W3C.extract(Context.root(), Map.of(TRACEPARENT, traceparent), Map::get);
    return Span.fromContext(context).getSpanContext();
  }

  /** Marks a span as failed, by the class of what was thrown: its message may quote a text. */
  public static void failed(Span span, Throwable failure) {
    failed(span, failure.getClass().getName());
  }

  /**
   * @param type a dead letter's code, or what else says it in a word
   */
  public static void failed(Span span, String type) {
    span.setAttribute(SpanKeys.ERROR_TYPE, type);
    span.setStatus(StatusCode.ERROR);
  }

  /** Sends what is left, for a bounded time. */
  @Override
  public void close() {
    close.run();
  }

  private static String header(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null || header.value() == null || header.value().length > MOST_BYTES
        ? null
        : new String(header.value(), StandardCharsets.UTF_8);
  }
}
