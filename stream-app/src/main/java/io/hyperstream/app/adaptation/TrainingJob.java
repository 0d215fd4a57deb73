package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.schemas.AdapterVersion;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a trainer needs to know; nothing in it changes afterwards. The examples to test are
 * predicted with the champion first, whatever else follows.
 *
 * @param taskId the task; never has two jobs at a time
 * @param jobId unique
 * @param kind how much is asked
 * @param task as it is defined
 * @param champion the version that serves, as it was published; empty: the initial adapter (version
 *     0)
 * @param untested examples the champion has not been asked about yet; for the running accuracy
 * @param train to learn from; for {@link Kind#TEST} what a trial would learn from if it came now,
 *     or nothing if none is likely soon
 * @param seenByChampion for each of {@code train}, whether the champion learnt from it
 * @param heldOut to judge with; the champion has not learnt from them. A trial that cannot judge
 *     with so few may learn from them too, and says so in its outcome
 * @param vectors of examples to learn from or to judge with, as far as they are kept
 * @param method what a challenger is made of
 * @param tuneWeights whether {@link Method#AUTO} may tune the adapter weights themselves
 * @param start where the champion's training started; empty: to be chosen
 * @param seed equal jobs with equal seeds give equal outcomes
 */
public record TrainingJob(
    String taskId,
    String jobId,
    Kind kind,
    TaskDefinition task,
    Optional<AdapterVersion> champion,
    List<Example> untested,
    List<Example> train,
    List<Boolean> seenByChampion,
    List<Example> heldOut,
    Map<Example, StoredVector> vectors,
    Method method,
    boolean tuneWeights,
    Optional<String> start,
    long seed) {

  /** How much is asked. */
  public enum Kind {
    /** Only predict the untested examples. */
    TEST,
    /** Train a challenger and judge it; the outcome may be published. */
    ADAPT,
    /** The same, for the report only. */
    EVALUATE
  }

  public TrainingJob {
    untested = List.copyOf(untested);
    train = List.copyOf(train);
    seenByChampion = List.copyOf(seenByChampion);
    heldOut = List.copyOf(heldOut);
    vectors = Map.copyOf(vectors);
    if (train.size() != seenByChampion.size()) {
      throw new IllegalArgumentException(
          "one flag per example to train on: "
              + train.size()
              + " examples, "
              + seenByChampion.size()
              + " flags");
    }
  }

  /** The champion's number; 0 for the initial adapter. */
  public long championVersion() {
    return champion.map(AdapterVersion::getVersion).orElse(0L);
  }
}
