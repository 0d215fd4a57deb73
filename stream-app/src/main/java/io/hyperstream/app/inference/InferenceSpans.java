package io.hyperstream.app.inference;

import io.hyperstream.app.inference.BatchQueue.Queued;
import io.hyperstream.app.inference.Outcome.Answered;
import io.hyperstream.app.inference.Outcome.Rejected;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import java.util.List;

/**
 * The spans of inference: one per request, from the moment it is handed to the engine until its
 * record is forwarded, and one per call of the device. A batch links to its requests and each
 * request to its batches. A record that is processed again, after a crash or an abort, has a span
 * again. Thread-safe; makes the invalid span, which does nothing, while tracing is off.
 */
final class InferenceSpans {
  private static final InferenceSpans OFF = new InferenceSpans(Tracing.off(), "");

  private final Tracing tracing;
  private final String group;

  /**
   * @param group of the consumers
   */
  InferenceSpans(Tracing tracing, String group) {
    this.tracing = tracing;
    this.group = group;
  }

  static InferenceSpans off() {
    return OFF;
  }

  /** Begins that of a record, as a child of its producer's. */
  Span request(RawRequest raw) {
    if (!tracing.isOn()) {
      return Span.getInvalid();
    }
    String topic = raw.partition().topic();
    return tracing
        .span("process " + topic, SpanKind.CONSUMER)
        .setParent(tracing.contextOf(raw.headers()))
        .setAttribute(SpanKeys.MESSAGING_SYSTEM, "kafka")
        .setAttribute(SpanKeys.MESSAGING_OPERATION_NAME, "process")
        .setAttribute(SpanKeys.MESSAGING_OPERATION_TYPE, "process")
        .setAttribute(SpanKeys.MESSAGING_DESTINATION, topic)
        .setAttribute(SpanKeys.MESSAGING_PARTITION, Integer.toString(raw.partition().partition()))
        .setAttribute(SpanKeys.MESSAGING_OFFSET, raw.offset())
        .setAttribute(SpanKeys.MESSAGING_GROUP, group)
        .setAttribute(SpanKeys.MESSAGING_BODY_BYTES, (long) raw.size())
        .startSpan();
  }

  /** Begins that of a request that lies in no topic. */
  Span question(Context parent) {
    return tracing.isOn()
        ? tracing.span("answer", SpanKind.INTERNAL).setParent(parent).startSpan()
        : Span.getInvalid();
  }

  /** Begins that of a call of the device, if one of its requests is recorded. */
  Span batch(List<Queued> batch) {
    if (!tracing.isOn()) {
      return Span.getInvalid();
    }
    SpanBuilder builder = tracing.span("batch", SpanKind.INTERNAL).setNoParent();
    boolean recorded = false;
    long tokens = 0;
    long longest = 0;
    for (Queued queued : batch) {
      SpanContext request = queued.job().span().getSpanContext();
      if (request.isSampled()) {
        builder.addLink(request);
        recorded = true;
      }
      tokens += queued.tokens();
      longest = Math.max(longest, queued.tokens());
    }
    if (!recorded) {
      return Span.getInvalid();
    }
    Span span =
        builder
            .setAttribute(SpanKeys.BATCH_ROWS, (long) batch.size())
            .setAttribute(SpanKeys.BATCH_TOKENS, tokens)
            .setAttribute(SpanKeys.BATCH_PADDED_TOKENS, longest * batch.size())
            .setAttribute(SpanKeys.BATCH_TASKS, tasks(batch))
            .startSpan();
    batch.forEach(queued -> queued.job().span().addLink(span.getSpanContext()));
    return span;
  }

  private static List<String> tasks(List<Queued> batch) {
    return batch.stream()
        .map(queued -> queued.job().row().task().taskId())
        .distinct()
        .sorted()
        .toList();
  }

  /** Ends a request's span with the outcome. */
  static void finish(Span span, Outcome outcome) {
    if (!span.isRecording()) {
      return;
    }
    if (outcome instanceof Answered answered) {
      span.setAttribute(SpanKeys.OUTCOME, "prediction");
      span.setAttribute(SpanKeys.ADAPTER_VERSION, answered.prediction().adapterVersion());
    } else if (outcome instanceof Rejected rejected) {
      span.setAttribute(SpanKeys.OUTCOME, "dead letter");
      Tracing.failed(span, rejected.code().name());
    }
    span.end();
  }

  /** Ends one that came to nothing here; the record is read again. */
  static void finish(Span span, Throwable failure) {
    span.setAttribute(SpanKeys.OUTCOME, "failure");
    Tracing.failed(span, failure);
    span.end();
  }
}
