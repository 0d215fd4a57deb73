package io.hyperstream.app.tracing;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import java.util.Map;
import org.slf4j.MDC;

/**
 * What the log lines of this thread are about, until it is closed: {@code requestId}, {@code
 * taskId} and, where there is a trace, {@code traceId}. Closing brings back what was there before.
 * For one thread.
 */
public final class LogFields implements AutoCloseable {
  public static final String REQUEST_ID = "requestId";
  public static final String TASK_ID = "taskId";
  public static final String TRACE_ID = "traceId";

  private final Map<String, String> before;

  private LogFields() {
    before = MDC.getCopyOfContextMap();
  }

  /**
   * One request.
   *
   * @param requestId empty if it is not known
   * @param taskId empty if it is not known
   */
  public static LogFields ofRequest(String requestId, String taskId, Span span) {
    LogFields fields = new LogFields();
    put(REQUEST_ID, requestId);
    put(TASK_ID, taskId);
    put(span.getSpanContext());
    return fields;
  }

  /** One task, in the trace that is this thread's now. */
  public static LogFields ofTask(String taskId) {
    LogFields fields = new LogFields();
    put(TASK_ID, taskId);
    put(Span.current().getSpanContext());
    return fields;
  }

  private static void put(SpanContext trace) {
    put(TRACE_ID, trace.isValid() ? trace.getTraceId() : "");
  }

  private static void put(String name, String value) {
    if (!value.isEmpty()) {
      MDC.put(name, value);
    }
  }

  @Override
  public void close() {
    if (before == null) {
      MDC.clear();
    } else {
      MDC.setContextMap(before);
    }
  }
}
