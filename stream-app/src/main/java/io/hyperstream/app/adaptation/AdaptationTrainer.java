package io.hyperstream.app.adaptation;

import io.hyperstream.model.task.TaskDefinition;
import java.util.Optional;
import java.util.function.Consumer;

/** Tests, trains and judges, apart from the stream threads. Thread-safe. */
public interface AdaptationTrainer {

  /**
   * Queues a job and returns at once.
   *
   * @param done takes the outcome once, on a thread of the trainer, unless the job is cancelled or
   *     the trainer closes before
   */
  void submit(TrainingJob job, Consumer<TrainingOutcome> done);

  /**
   * Says that nobody wants the outcome any more. Returns at once; a job under way ends soon. Does
   * nothing if the job is unknown or done.
   */
  void cancel(String taskId, String jobId);

  /**
   * Drops what is remembered of a task's examples between its jobs. Returns at once; it is gone
   * when the job under way has ended.
   */
  void forget(String taskId);

  /**
   * Why the model can never answer a task: a sentence, or an empty one if it can. No value: that
   * cannot be told now. Returns at once.
   */
  Optional<String> problem(TaskDefinition task);
}
