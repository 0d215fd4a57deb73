package io.hyperstream.app.inference;

import io.hyperstream.app.inference.TaskCatalog.Entry;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.FatalErrors;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import io.hyperstream.schemas.UndecodableRecordException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From a raw record to the engine: decode, check, look the task up, tokenise. {@link #submit} does
 * so on preparation threads and never waits (a schema seen for the first time costs a call to the
 * registry); {@link #prepareNow} does it on the caller's. Thread-safe.
 *
 * <p>Every request gets an outcome, whatever is thrown: a defect of this application rejects it and
 * is logged and counted; what only a new process can fix ({@link FatalErrors}) leaves it to be
 * tried there and says so through {@link #broken}.
 */
final class RequestPipeline implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RequestPipeline.class);
  private static final int MOST_KINDS = 1_000;

  private final RecordCodec codec;
  private final RequestLimits limits;
  private final TaskCatalog catalog;
  private final UnknownTaskCheck unknownTasks;
  private final Predictor predictor;
  private final InferenceEngine engine;
  private final InferenceMetrics metrics;
  private final ExecutorService threads;
  private final Map<String, AtomicInteger> defects = new ConcurrentHashMap<>(); // by kind
  private final CompletableFuture<Void> broken = new CompletableFuture<>();

  RequestPipeline(
      RecordCodec codec,
      RequestLimits limits,
      TaskCatalog catalog,
      UnknownTaskCheck unknownTasks,
      Predictor predictor,
      InferenceEngine engine,
      InferenceMetrics metrics,
      int preparationThreads) {
    this.codec = codec;
    this.limits = limits;
    this.catalog = catalog;
    this.unknownTasks = unknownTasks;
    this.predictor = predictor;
    this.engine = engine;
    this.metrics = metrics;
    AtomicInteger number = new AtomicInteger();
    threads =
        Executors.newFixedThreadPool(
            preparationThreads,
            task -> {
              Thread thread = new Thread(task, "hyperstream-prepare-" + number.getAndIncrement());
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Fails, with what to do, when only a new process can go on; never completes otherwise. */
  CompletableFuture<Void> broken() {
    return broken.copy();
  }

  /** Prepares it soon and queues it. */
  void submit(PendingRequest pending) {
    execute(pending, () -> prepare(pending, false));
  }

  /** The same for a request that is in no topic. */
  void submit(PendingRequest pending, InferenceRequest request) {
    execute(pending, () -> guarded(pending, () -> check(pending, request, false)));
  }

  private void execute(PendingRequest pending, Runnable preparation) {
    try {
      threads.execute(preparation);
    } catch (RejectedExecutionException e) {
      pending.abandon(new NotNowException("the preparation threads are shut down", e));
    }
  }

  /** Prepares it on this thread and puts it at the front of the engine's queue. */
  void prepareNow(PendingRequest pending) {
    prepare(pending, true);
  }

  private void prepare(PendingRequest pending, boolean first) {
    if (!pending.isWanted()) {
      return;
    }
    guarded(
        pending,
        () -> {
          RawRequest raw = pending.raw();
          if (raw.size() > limits.recordBytes()) {
            pending.reject(ErrorCode.REQUEST_TOO_LARGE, limits.tooLarge(raw.size()));
            return;
          }
          InferenceRequest request =
              codec.deserialize(raw.partition().topic(), raw.value(), InferenceRequest.class);
          check(pending, request, first);
        });
  }

  private void check(PendingRequest pending, InferenceRequest request, boolean first) {
    pending.decoded(request);
    Optional<Outcome.Rejected> violation = limits.violation(request);
    if (violation.isPresent()) {
      pending.reject(violation.get().code(), violation.get().message());
      return;
    }
    Optional<Entry> task = catalog.find(request.getTaskId());
    if (task.isPresent()) {
      tokenise(pending, request, task.get(), first);
    } else {
      confirmUnknown(pending, request, first);
    }
  }

  /** Turns what went wrong into the outcome. */
  private void guarded(PendingRequest pending, Runnable step) {
    try {
      step.run();
    } catch (RegistryUnavailableException e) {
      pending.abandon(new NotNowException("the schema registry does not answer", e));
    } catch (UndecodableRecordException e) {
      pending.reject(ErrorCode.UNDECODABLE, e.getMessage());
    } catch (InferenceException e) {
      pending.reject(ErrorCode.of(e.code()), e.getMessage());
    } catch (NotNowException e) {
      pending.abandon(e);
    } catch (RuntimeException | Error e) {
      unexpected(pending, e);
    }
  }

  private void unexpected(PendingRequest pending, Throwable failure) {
    Optional<IllegalStateException> fatal = FatalErrors.in(failure, pending.attempt());
    if (fatal.isPresent()) {
      broken.completeExceptionally(fatal.get());
      pending.abandon(new NotNowException("only a new process can go on", fatal.get()));
    } else if (failure instanceof OutOfMemoryError) {
      pending.abandon(new NotNowException("out of memory while preparing a request", failure));
    } else {
      defect(pending, failure);
      pending.reject(
          ErrorCode.MODEL_ERROR,
          "a defect of the application prevents an answer; its log has details, please report it");
    }
  }

  /** Logs the 1st, 2nd, 4th, 8th ... of a kind: a defect may meet every request there is. */
  @SuppressWarnings("try") // the fields last as long as the block
  private void defect(PendingRequest pending, Throwable failure) {
    metrics.defects.increment();
    StackTraceElement[] trace = failure.getStackTrace();
    String kind = failure.getClass().getName() + (trace.length == 0 ? "" : "@" + trace[0]);
    int times =
        defects
            .computeIfAbsent(
                defects.size() < MOST_KINDS ? kind : "any other", k -> new AtomicInteger())
            .incrementAndGet();
    if (Integer.bitCount(times) == 1) {
      try (LogFields fields =
          LogFields.ofRequest(pending.requestId(), pending.taskId(), pending.span())) {
        LOG.error("A request cannot be prepared; met {} times so far", times, failure);
      }
    }
  }

  private void confirmUnknown(PendingRequest pending, InferenceRequest request, boolean first) {
    String taskId = request.getTaskId();
    var unused =
        unknownTasks
            .caughtUp(taskId, pending.raw().timestamp())
            .whenComplete(
                (done, failure) ->
                    guarded(
                        pending,
                        () -> {
                          Optional<Entry> task = catalog.find(taskId);
                          if (task.isPresent()) {
                            tokenise(pending, request, task.get(), first);
                          } else if (failure != null) {
                            pending.abandon(
                                new NotNowException(
                                    "cannot tell yet whether task '" + taskId + "' exists",
                                    failure));
                          } else {
                            pending.reject(
                                ErrorCode.UNKNOWN_TASK,
                                "no task '"
                                    + taskId
                                    + "' is defined; define it in the topic of task definitions,"
                                    + " then send the request again");
                          }
                        }));
  }

  private void tokenise(
      PendingRequest pending, InferenceRequest request, Entry entry, boolean first) {
    if (entry instanceof Entry.Invalid invalid) {
      pending.reject(
          ErrorCode.INVALID_TASK,
          "task '" + request.getTaskId() + "' cannot be served: " + invalid.reason());
    } else if (entry instanceof Entry.Defined task) {
      PreparedRow row =
          predictor.prepare(
              task.definition(),
              catalog.adapterOf(task),
              request.getText(),
              Optional.ofNullable(request.getTextPair()));
      pending.prepared(row);
      if (first) {
        engine.submitFirst(pending);
      } else {
        engine.submit(pending);
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
    try {
      threads.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
