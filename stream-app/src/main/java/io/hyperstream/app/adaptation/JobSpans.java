package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The spans of adaptation: one per job that trains, from its submission until its report. It links
 * to the command that asked for it, which is kept with the order, and to the latest of the labels
 * that came since the job before; those are in memory only, so a new owner does not know them. Jobs
 * that only test have none. Stream thread only; makes the invalid span while tracing is off.
 */
final class JobSpans {
  private static final int MOST_LABELS = 32;
  private static final int MOST_TASKS = 1_000;

  private final Tracing tracing;
  private final Map<String, Deque<SpanContext>> labels = new LinkedHashMap<>(); // by task

  JobSpans(Tracing tracing) {
    this.tracing = tracing;
  }

  /** What a record is part of. */
  Context contextOf(SourcedRecord record) {
    return tracing.isOn() ? tracing.contextOf(SourcedRecords.headers(record)) : Context.root();
  }

  /** Remembers the current trace as that of a label the task has not learnt from. */
  void labelled(String taskId) {
    SpanContext label = Span.current().getSpanContext();
    if (!tracing.isOn() || !label.isValid()) {
      return;
    }
    if (!labels.containsKey(taskId) && labels.size() >= MOST_TASKS) {
      Iterator<String> oldest = labels.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    Deque<SpanContext> latest = labels.computeIfAbsent(taskId, id -> new ArrayDeque<>());
    if (latest.size() >= MOST_LABELS) {
      latest.removeFirst();
    }
    latest.addLast(label);
  }

  /** Begins that of a job. */
  Span begin(TrainingJob job, String trigger, Optional<WaitingOrder> order) {
    if (!tracing.isOn() || job.kind() == TrainingJob.Kind.TEST) {
      return Span.getInvalid();
    }
    SpanBuilder span =
        tracing
            .span(job.kind().name().toLowerCase(Locale.ROOT), SpanKind.INTERNAL)
            .setNoParent()
            .setAttribute(SpanKeys.TASK_ID, job.taskId())
            .setAttribute(SpanKeys.JOB_ID, job.jobId())
            .setAttribute(SpanKeys.JOB_TRIGGER, trigger)
            .setAttribute(SpanKeys.EXAMPLES, (long) job.train().size() + job.heldOut().size());
    order.ifPresent(
        command -> {
          span.setAttribute(SpanKeys.COMMAND_ID, command.getCommandId());
          span.addLink(asked(command));
        });
    Deque<SpanContext> taught =
        job.kind() == TrainingJob.Kind.ADAPT ? labels.remove(job.taskId()) : null;
    if (taught != null) {
      taught.forEach(span::addLink);
    }
    return span.startSpan();
  }

  /** The trace of the command behind an order; an invalid one if it had none. */
  static SpanContext asked(WaitingOrder order) {
    return order.getTraceparent() == null
        ? SpanContext.getInvalid()
        : Tracing.named(order.getTraceparent());
  }

  /** The current trace, for an order to keep; null if there is none. */
  static String current() {
    String traceparent = Tracing.traceparent(Span.current().getSpanContext());
    return traceparent.isEmpty() ? null : traceparent;
  }
}
