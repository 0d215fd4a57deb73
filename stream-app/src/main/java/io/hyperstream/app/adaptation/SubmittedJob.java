package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.AdaptationOutcome;
import io.opentelemetry.api.trace.Span;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A submitted job, with the state it was made from.
 *
 * @param trigger what made it due, in a report's words
 * @param order the command it carries out, if one is
 * @param definition as the state had it
 * @param sequence of the latest example in it
 * @param testedUpTo of the latest example that is tested with it
 * @param newExamples that it takes into account
 * @param startedAt wall-clock milliseconds since the epoch
 * @param span of the job; the result ends it
 */
record SubmittedJob(
    TrainingJob job,
    String trigger,
    Optional<WaitingOrder> order,
    long incarnation,
    ByteBuffer definition,
    long sequence,
    long testedUpTo,
    int newExamples,
    long startedAt,
    Span span) {

  /** Whether its outcome still means what it meant. */
  boolean matches(OwnedTask task, long champion) {
    return task.state().getIncarnation() == incarnation
        && task.state().getDefinition().equals(definition)
        && champion == job.championVersion();
  }

  /** Ends its span. Does nothing when it has ended. */
  void ended(AdaptationOutcome outcome) {
    if (outcome == AdaptationOutcome.FAILED) {
      Tracing.failed(span, outcome.name());
    }
    ended(outcome.name());
  }

  /** Ends it without a report. */
  void ended(String outcome) {
    span.setAttribute(SpanKeys.OUTCOME, outcome);
    span.end();
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
