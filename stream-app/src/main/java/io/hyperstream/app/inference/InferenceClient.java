package io.hyperstream.app.inference;

import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.opentelemetry.context.Context;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * How other packages of this process use inference: an answer outside the stream, by the same
 * checks, the same engine and the same batches; and what the catalog says. Any thread; nothing
 * waits.
 */
@Singleton
public final class InferenceClient {
  private final boolean hasRole;
  private volatile InferenceService service; // null until the model is loaded

  /** A request that can never be answered, with the code a dead letter would have. */
  public static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final ErrorCode code;

    RefusedException(ErrorCode code, String message) {
      super(message);
      this.code = code;
    }

    public ErrorCode code() {
      return code;
    }
  }

  /**
   * Where a task is among the tasks.
   *
   * @param version of its adapters
   * @param values the task embedding; that of its start where a version is made of weights
   */
  public record TaskEmbedding(String taskId, long version, float[] values) {}

  InferenceClient(RoleSettings roles) {
    hasRole = roles.roles().contains(InferenceRuntime.ROLE);
  }

  void open(InferenceService opened) {
    service = opened;
  }

  /** Why nothing can be asked now; empty if it can. */
  public Optional<String> problem() {
    InferenceService current = service;
    if (!hasRole) {
      return Optional.of(
          "this process has no inference role (hyperstream.roles); ask one that has it");
    }
    return current != null && current.isServing()
        ? Optional.empty()
        : Optional.of("inference is not running yet; /health/readiness says what it waits for");
  }

  /** The model that serves; empty as long as there is a {@link #problem}. */
  public Optional<String> modelId() {
    return problem().isPresent() ? Optional.empty() : Optional.of(service.modelId());
  }

  /**
   * Answers a request that is in no topic.
   *
   * @param parent the trace this is part of, if any
   * @return the prediction as the stream would have written it; otherwise fails with {@link
   *     RefusedException}, or with {@link NotNowException} or a timeout if it may be tried again
   */
  public CompletableFuture<Prediction> predict(InferenceRequest request, Context parent) {
    Optional<String> problem = problem();
    return problem.isPresent()
        ? CompletableFuture.failedFuture(new NotNowException(problem.get(), null))
        : service.predict(request, parent);
  }

  /** Why a defined task cannot be served; empty if it can, is not known or cannot be told now. */
  public Optional<String> invalid(String taskId) {
    return problem().isPresent() ? Optional.empty() : service.invalid(taskId);
  }

  /**
   * Tries whether this model could serve a definition.
   *
   * @throws io.hyperstream.model.inference.InferenceException if not, saying why
   */
  public void check(TaskDefinition definition) {
    if (problem().isEmpty()) {
      service.check(definition);
    }
  }

  /** Of the tasks that are served, in no order; those without an embedding are not in it. */
  public List<TaskEmbedding> embeddings() {
    return problem().isPresent() ? List.of() : service.embeddings();
  }

  /** What this model starts a task with; empty if that is no embedding. */
  public Optional<TaskEmbedding> startOf(TaskDefinition definition) {
    return problem().isPresent() ? Optional.empty() : service.startOf(definition);
  }
}
