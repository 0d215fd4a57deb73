package io.hyperstream.app.inference;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.schemas.InferenceRequest;
import io.opentelemetry.api.trace.Span;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.TopicPartition;

/**
 * One request on its way to an outcome. The stream thread makes, joins and evicts it; preparation
 * and the engine complete it. The first completion counts, later ones do nothing.
 */
final class PendingRequest implements InferenceEngine.Job {
  private final RawRequest raw;
  private final int attempt;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private volatile InferenceRequest request;
  private volatile PreparedRow row;
  private Span span = Span.getInvalid(); // set before another thread has this

  PendingRequest(RawRequest raw) {
    this(raw, 1);
  }

  private PendingRequest(RawRequest raw, int attempt) {
    this.raw = raw;
    this.attempt = attempt;
  }

  /** A request that lies in no topic. */
  static PendingRequest outsideTheStream(long now) {
    return new PendingRequest(new RawRequest(new TopicPartition("", 0), 0, now, null));
  }

  RawRequest raw() {
    return raw;
  }

  /** Which attempt at the request this is, from 1. */
  int attempt() {
    return attempt;
  }

  /** Another attempt at the same request, in the same span. */
  PendingRequest again() {
    PendingRequest next = new PendingRequest(raw, attempt + 1);
    next.span = span;
    return next;
  }

  /** Once, before it is handed to another thread. */
  void begin(Span begun) {
    span = begun;
  }

  /** Ended by whoever joins this; by {@link #evict} if nobody does. */
  @Override
  public Span span() {
    return span;
  }

  /** Once, as soon as it can be read. */
  void decoded(InferenceRequest decoded) {
    request = decoded;
    span.setAttribute(SpanKeys.REQUEST_ID, decoded.getRequestId());
    span.setAttribute(SpanKeys.TASK_ID, decoded.getTaskId());
  }

  /** Once, after {@link #decoded}, before the row is handed to the engine. */
  void prepared(PreparedRow preparedRow) {
    row = preparedRow;
  }

  @Override
  public PreparedRow row() {
    return row;
  }

  @Override
  public String requestId() {
    InferenceRequest decoded = request;
    return decoded == null ? "" : decoded.getRequestId();
  }

  /** Empty as long as it is not read. */
  String taskId() {
    InferenceRequest decoded = request;
    return decoded == null ? "" : decoded.getTaskId();
  }

  @Override
  public boolean isWanted() {
    return !outcome.isDone();
  }

  @Override
  public void complete(RowResult result) {
    if (result instanceof RowFailure failure) {
      reject(ErrorCode.of(failure.code()), failure.message());
    } else if (result instanceof TaskPrediction prediction) {
      outcome.complete(new Outcome.Answered(request, row.task(), prediction, Instant.now()));
    }
    row = null; // the token ids are no longer needed
  }

  void reject(ErrorCode code, String message) {
    outcome.complete(new Outcome.Rejected(code, message));
  }

  @Override
  public void abandon(NotNowException reason) {
    outcome.completeExceptionally(reason);
  }

  /** Nobody will join it: the engine drops it unless it is in a batch already. */
  void evict() {
    outcome.cancel(false);
    span.setAttribute(SpanKeys.OUTCOME, "evicted"); // does nothing to a span that has ended
    span.end();
  }

  /** As it will be; to complete or cancel it changes nothing here. */
  CompletableFuture<Outcome> outcome() {
    return outcome.copy();
  }

  /**
   * Waits for the outcome.
   *
   * @throws NotNowException if something outside the record is down
   * @throws TimeoutException if there is none in time
   */
  Outcome await(long nanos) throws InterruptedException, TimeoutException {
    try {
      return outcome.get(nanos, TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NotNowException notNow) {
        throw notNow;
      }
      throw new IllegalStateException("a request ended on a defect", e.getCause());
    }
  }
}
