package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** Executes commands; each ends in a report with its id. Stream thread only. */
final class CommandHandler {
  static final String TOO_FEW =
      "Adaptation needs examples of at least two labels; send labelled texts first.";

  private static final int MAX_ORDERS = 16;

  private final TaskStore tasks;
  private final ExampleBuffer buffer;
  private final VersionLog versions;
  private final DeferredRecords waiting;
  private final TrainingScheduler training;
  private final Publisher publisher;

  CommandHandler(
      TaskStore tasks,
      ExampleBuffer buffer,
      VersionLog versions,
      DeferredRecords waiting,
      TrainingScheduler training,
      Publisher publisher) {
    this.tasks = tasks;
    this.buffer = buffer;
    this.versions = versions;
    this.waiting = waiting;
    this.training = training;
    this.publisher = publisher;
  }

  void execute(AdaptationCommand command, OwnedTask task) {
    switch (command.getAction()) {
      case ADAPT, EVALUATE, PROMOTE -> order(command, task);
      case ROLLBACK -> rollBack(command, task);
      case RESET -> reset(command, task);
      case FREEZE -> freeze(command, task);
      case UNFREEZE -> unfreeze(command, task);
      case FORGET -> forget(command, task);
      case PIN -> pin(command, task);
      case UNPIN -> unpin(command, task);
      case UNKNOWN ->
          refuse(command, "This version of the application does not know the command's action.");
    }
  }

  void refuse(AdaptationCommand command, String reason) {
    done(command, AdaptationOutcome.REFUSED, reason);
  }

  private void done(AdaptationCommand command, AdaptationOutcome outcome, String reason) {
    publisher.send(report(command, outcome).setReason(reason));
  }

  private AdaptationReport.Builder report(AdaptationCommand command, AdaptationOutcome outcome) {
    return publisher
        .report(command.getTaskId(), outcome)
        .setTrigger(command.getAction().name())
        .setCommandId(command.getCommandId());
  }

  private void order(AdaptationCommand command, OwnedTask task) {
    TaskState state = task.state();
    Optional<String> unable = TaskDefinitions.cannotLearn(task.definition());
    boolean adapt = command.getAction() != AdaptationAction.EVALUATE;
    if (unable.isPresent()) {
      refuse(command, "Nothing can be learnt: " + unable.get() + ".");
    } else if (adapt && state.getFrozen()) {
      refuse(command, "The task is frozen; send UNFREEZE first.");
    } else if (buffer.labels(task.taskId()) < 2) {
      refuse(command, TOO_FEW);
    } else if (state.getOrders().size() >= MAX_ORDERS) {
      refuse(command, MAX_ORDERS + " commands of this task are waiting already; send it later.");
    } else {
      state
          .getOrders()
          .add(
              WaitingOrder.newBuilder()
                  .setCommandId(command.getCommandId())
                  .setAction(command.getAction().name())
                  .setReason(command.getReason())
                  .setIssuedBy(command.getIssuedBy())
                  .setTraceparent(JobSpans.current())
                  .build());
      tasks.save(task);
      training.recheck(task.taskId());
    }
  }

  private void rollBack(AdaptationCommand command, OwnedTask task) {
    ModelProgress progress = tasks.progress(task.state());
    long champion = progress.getChampion();
    Long asked = command.getVersion();
    if (asked == null) {
      if (champion == 0) {
        refuse(command, "The initial adapter serves; name the version to return to.");
        return;
      }
      asked =
          find(task, champion).map(versions::decode).map(AdapterVersion::getParent).orElse(null);
      if (asked == null) {
        refuse(
            command,
            "Version "
                + champion
                + " was made from the initial adapter; RESET returns to that, or name a version.");
        return;
      }
    }
    Optional<StoredVersion> target = find(task, asked);
    if (asked == champion) {
      refuse(command, "Version " + asked + " serves already.");
    } else if (target.isEmpty()) {
      refuse(command, "There is no version " + asked + " of this task to return to; " + kept(task));
    } else {
      republish(command, task, asked, target.get());
    }
  }

  private Optional<StoredVersion> find(OwnedTask task, long version) {
    return versions.find(new VersionLog.Key(task.taskId(), tasks.modelId(), version));
  }

  private String kept(OwnedTask task) {
    List<VersionLog.Key> kept = versions.all(task.taskId(), tasks.modelId());
    return kept.isEmpty()
        ? "none was published yet."
        : "kept are " + kept.get(0).version() + " to " + kept.get(kept.size() - 1).version() + ".";
  }

  /**
   * The earlier content under the next number, its parent included: one more ROLLBACK returns to
   * the version before it.
   */
  private void republish(
      AdaptationCommand command, OwnedTask task, long asked, StoredVersion target) {
    TaskState state = task.state();
    training.cancelAll(task.taskId(), state, "The task was rolled back.");
    AdaptationReport.Builder report = report(command, AdaptationOutcome.ROLLED_BACK);
    AdapterVersion content = versions.decode(target);
    String reason = said("Version " + asked + " again", command);
    long published =
        publisher
            .publish(
                task.taskId(),
                state,
                AdapterVersion.newBuilder(content).setReason(reason),
                StoredVersion.newBuilder(target))
            .orElseThrow(); // it was small enough before
    String who = pinned(task, command);
    settled(task);
    publisher.send(
        publisher
            .current(report, state)
            .setPublishedVersion(published)
            .setForm(content.getForm())
            .setReason(
                said("Version " + asked + " again; pinned by " + who + " until UNPIN", command)));
  }

  /** Who asked, or what stands for that. */
  static String who(String issuedBy) {
    return issuedBy.isBlank() ? "a command" : issuedBy;
  }

  private String pinned(OwnedTask task, AdaptationCommand command) {
    String who = who(command.getIssuedBy());
    tasks.progress(task.state()).setPinnedBy(who);
    return who;
  }

  private void pin(AdaptationCommand command, OwnedTask task) {
    String who = pinned(task, command);
    tasks.save(task);
    long champion = tasks.progress(task.state()).getChampion();
    String what = champion == 0 ? "The model without examples" : "Version " + champion;
    done(
        command,
        AdaptationOutcome.PINNED,
        said(
            what
                + " is pinned by "
                + who
                + "; adaptations report and do not replace it until UNPIN or PROMOTE",
            command));
  }

  private void unpin(AdaptationCommand command, OwnedTask task) {
    String by = tasks.progress(task.state()).getPinnedBy();
    tasks.progress(task.state()).setPinnedBy(null);
    tasks.save(task);
    String what = by == null ? "Nothing was pinned" : "No longer pinned by " + by;
    done(
        command,
        AdaptationOutcome.UNPINNED,
        said(
            what + "; by " + who(command.getIssuedBy()) + ", the next better version serves",
            command));
  }

  private static String said(String what, AdaptationCommand command) {
    return command.getReason().isBlank() ? what + "." : what + ": " + command.getReason();
  }

  private void reset(AdaptationCommand command, OwnedTask task) {
    TaskState state = task.state();
    training.cancelAll(task.taskId(), state, "The task was reset.");
    AdaptationReport.Builder report = report(command, AdaptationOutcome.RESET);
    publisher.withdraw(task.taskId(), state);
    settled(task);
    publisher.send(
        publisher
            .current(report, state)
            .setReason(said("The initial adapter serves; examples are kept", command)));
  }

  /** Clears what made the task due, its earlier failures, and what drift would be measured by. */
  private void settled(OwnedTask task) {
    TaskState state = task.state();
    state.setOutcomes(ByteBuffer.allocate(0));
    state.setNewExamples(0);
    state.setRenew(false);
    state.setFailures(0);
    state.setNotBefore(0L);
    tasks.save(task);
  }

  private void freeze(AdaptationCommand command, OwnedTask task) {
    training.cancelAll(task.taskId(), task.state(), "The task was frozen.");
    task.state().setFrozen(true);
    tasks.save(task);
    done(command, AdaptationOutcome.FROZEN, said("No new versions until UNFREEZE", command));
  }

  private void unfreeze(AdaptationCommand command, OwnedTask task) {
    task.state().setFrozen(false);
    tasks.save(task);
    training.recheck(task.taskId());
    done(command, AdaptationOutcome.UNFROZEN, said("The task adapts again", command));
  }

  private void forget(AdaptationCommand command, OwnedTask task) {
    String taskId = task.taskId();
    int erased;
    if (command.getText() == null) {
      erased = buffer.clear(taskId) + waiting.take(taskId).size();
      task.state().setNewExamples(0);
      tasks.save(task);
    } else {
      String hash = TextHash.of(command.getText(), command.getTextPair());
      erased = buffer.remove(taskId, hash).isPresent() ? 1 : 0;
      erased += waiting.remove(taskId, hash) ? 1 : 0;
    }
    if (erased > 0) {
      training.forget(taskId); // a job may be learning from what was forgotten
    }
    done(
        command,
        AdaptationOutcome.FORGOTTEN,
        said(erased == 1 ? "1 example erased" : erased + " examples erased", command));
  }
}
