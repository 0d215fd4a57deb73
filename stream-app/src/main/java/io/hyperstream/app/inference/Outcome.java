package io.hyperstream.app.inference;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.InferenceRequest;
import java.time.Instant;

/** What happens to a request for good. Anything that may pass is a {@link NotNowException}. */
sealed interface Outcome {

  /** The model answered, for the task as it was defined then. */
  record Answered(
      InferenceRequest request, TaskDefinition task, TaskPrediction prediction, Instant at)
      implements Outcome {}

  /**
   * The request can never be answered.
   *
   * @param message a sentence a person can act on
   */
  record Rejected(ErrorCode code, String message) implements Outcome {}
}
