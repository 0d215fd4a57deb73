package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.model.training.Example;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/** Creates jobs from an immutable snapshot of a task's examples. Stream thread only. */
final class JobFactory {
  private static final int MAX_TESTED_AT_ONCE = 256;

  /** With more, what a trial runs again is little beside the rest of it. */
  private static final int MAX_PREPARED = 64;

  private final TaskStore tasks;
  private final ExampleBuffer buffer;
  private final VersionLog versions;
  private final JobSpans spans;

  JobFactory(TaskStore tasks, ExampleBuffer buffer, VersionLog versions, JobSpans spans) {
    this.tasks = tasks;
    this.buffer = buffer;
    this.versions = versions;
    this.spans = spans;
  }

  /**
   * Why no job can be made: the version that serves is not there. Empty if it is, or none serves.
   */
  Optional<String> lacking(OwnedTask task) {
    long champion = tasks.progress(task.state()).getChampion();
    return champion == 0
            || versions
                .champion(task.taskId(), tasks.modelId(), tasks.progress(task.state()))
                .isPresent()
        ? Optional.empty()
        : Optional.of(
            "Version "
                + champion
                + " serves, but the store of versions does not have it: nothing can be compared"
                + " with it. Restore the changelog of the versions, or send ROLLBACK with a version"
                + " that is kept, or RESET.");
  }

  /** A job for the task as it is now; empty if it would only test and there is nothing to test. */
  Optional<SubmittedJob> make(
      OwnedTask task, Kind kind, Optional<WaitingOrder> order, String trigger, long now) {
    TaskState state = task.state();
    String taskId = task.taskId();
    Optional<StoredVersion> champion =
        versions.champion(taskId, tasks.modelId(), tasks.progress(state));
    long trainedUpTo = champion.map(StoredVersion::getTrainedUpTo).orElse(0L);
    long heldOutTrainedUpTo = champion.map(StoredVersion::getHeldOutTrainedUpTo).orElse(0L);
    List<Example> untested = new ArrayList<>();
    List<Example> train = new ArrayList<>();
    List<Boolean> seen = new ArrayList<>();
    List<Example> heldOut = new ArrayList<>();
    Map<Example, StoredVector> vectors = new HashMap<>();
    long testedUpTo = state.getSequence();
    for (StoredExample stored : buffer.all(taskId)) {
      if (stored.getAside()) {
        continue;
      }
      Example example =
          new Example(
              stored.getText(), Optional.ofNullable(stored.getTextPair()), stored.getLabel());
      if (stored.getSequence() > state.getTestedUpTo()) {
        if (kind == Kind.TEST && untested.size() == MAX_TESTED_AT_ONCE) {
          testedUpTo = stored.getSequence() - 1;
          break;
        }
        untested.add(example);
      }
      if (stored.getLeaving()) {
        continue;
      }
      long learnt = stored.getHeldOut() ? heldOutTrainedUpTo : trainedUpTo;
      if (stored.getHeldOut() && stored.getSequence() > learnt) {
        heldOut.add(example);
      } else {
        train.add(example);
        seen.add(stored.getSequence() <= learnt);
      }
    }
    if (kind == Kind.TEST && untested.isEmpty()) {
      return Optional.empty();
    }
    boolean likely = task.policy().getEnabled() && !state.getFrozen();
    boolean trial = kind != Kind.TEST || (likely && train.size() + heldOut.size() <= MAX_PREPARED);
    if (trial) {
      Map<String, StoredVector> kept = buffer.vectors(taskId);
      Stream.concat(train.stream(), heldOut.stream())
          .forEach(
              example ->
                  Optional.ofNullable(kept.get(ExampleBuffer.hash(example)))
                      .ifPresent(vector -> vectors.put(example, vector)));
    }
    TrainingJob job =
        new TrainingJob(
            taskId,
            UUID.randomUUID().toString(),
            kind,
            task.definition(),
            champion.map(versions::decode),
            untested,
            trial ? train : List.of(),
            trial ? seen : List.of(),
            trial ? heldOut : List.of(),
            vectors,
            task.method(),
            task.policy().getTuneWeights(),
            champion.map(StoredVersion::getStart),
            31L * taskId.hashCode() + state.getSequence());
    return Optional.of(
        new SubmittedJob(
            job,
            trigger,
            order,
            state.getIncarnation(),
            state.getDefinition(),
            state.getSequence(),
            testedUpTo,
            state.getNewExamples(),
            now,
            spans.begin(job, trigger, order)));
  }
}
