package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.WaitingOrder;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A job that was handed out, with the state it was made from.
 *
 * @param trigger what made it due, in a report's words
 * @param order the command it carries out, if one is
 * @param definition as the state had it
 * @param sequence of the latest example in it
 * @param testedUpTo of the latest example that is tested with it
 * @param newExamples that it takes into account
 * @param startedAt wall-clock milliseconds since the epoch
 */
record GivenJob(
    TrainingJob job,
    String trigger,
    Optional<WaitingOrder> order,
    long incarnation,
    ByteBuffer definition,
    long sequence,
    long testedUpTo,
    int newExamples,
    long startedAt) {

  /** Whether its outcome still means what it meant. */
  boolean matches(OwnedTask task, long champion) {
    return task.state().getIncarnation() == incarnation
        && task.state().getDefinition().equals(definition)
        && champion == job.championVersion();
  }

  /** A report's reason, with that of the command. */
  String explained(String reason) {
    return order
        .filter(command -> !command.getReason().isBlank())
        .map(command -> reason + " Asked for with the words: " + command.getReason())
        .orElse(reason);
  }

  /** How many examples a version learnt from. */
  int learntFrom(TrainingOutcome.Judged judged) {
    return job.train().size() + (judged.heldOutTrained() ? job.heldOut().size() : 0);
  }
}
