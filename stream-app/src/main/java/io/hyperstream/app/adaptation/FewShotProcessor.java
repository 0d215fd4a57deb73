package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.LabelEvent;
import io.opentelemetry.context.Scope;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Owns tasks: keeps their definitions, examples and versions, has them adapted and publishes better
 * versions. Everything about a task reaches its owner in one order.
 *
 * <p>{@link #init} rebuilds all fields: after an aborted transaction the stores are reset, and the
 * fields must match them.
 */
final class FewShotProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String TASKS = "tasks";
  static final String EXAMPLES = "examples";
  static final String VECTORS = "example-vectors";
  static final String VERSIONS = "versions";
  static final String WAITING = "waiting-for-definitions";

  static final Duration LOOK_EVERY = Duration.ofMillis(100);

  private static final long WAITED = 0;
  private static final int LABELS_NAMED = 20;

  private final AdaptationTopology.Parts parts;
  private final SourcedRecords records;
  private ProcessorContext<byte[], byte[]> context;
  private TaskStore tasks;
  private ExampleBuffer buffer;
  private DeferredRecords waiting;
  private Publisher publisher;
  private TrainingScheduler training;
  private CommandHandler commands;
  private JobSpans spans;
  private boolean surveyed;

  FewShotProcessor(AdaptationTopology.Parts parts, SourcedRecords records) {
    this.parts = parts;
    this.records = records;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> processorContext) {
    context = processorContext;
    AdaptationOptions options = parts.options();
    tasks =
        new TaskStore(
            context.getStateStore(TASKS),
            parts.reader(),
            parts.topics().definitions().name(),
            parts.modelId(),
            options.policy());
    buffer =
        new ExampleBuffer(
            context.getStateStore(EXAMPLES),
            context.getStateStore(VECTORS),
            options.maxTaskBytes(),
            parts.metrics().untestedExamples);
    VersionLog versions =
        new VersionLog(
            context.getStateStore(VERSIONS),
            parts.reader(),
            parts.topics().adapterVersions().name());
    waiting =
        new DeferredRecords(
            context.getStateStore(WAITING),
            options.maxWaiting(),
            context.currentSystemTimeMs() + grace());
    publisher =
        new Publisher(
            context, parts.output(), parts.topics(), tasks, buffer, versions, parts.metrics());
    spans = new JobSpans(parts.tracing());
    training =
        new TrainingScheduler(
            parts.trainer(),
            tasks,
            buffer,
            publisher,
            new JobFactory(tasks, buffer, versions, spans),
            new TrainingResults(tasks, versions, publisher, parts.metrics()));
    commands = new CommandHandler(tasks, buffer, versions, waiting, training, publisher);
    surveyed = false;
    context.schedule(LOOK_EVERY, PunctuationType.WALL_CLOCK_TIME, this::look);
  }

  private void look(long now) {
    if (!surveyed) {
      for (String taskId : tasks.ids()) {
        tasks
            .state(taskId)
            .filter(
                state ->
                    !state.getModelId().equals(tasks.modelId()) || !state.getProblem().isEmpty())
            .flatMap(state -> tasks.find(taskId))
            .ifPresent(task -> judge(task, "model"));
      }
      training.restore(now);
      for (String taskId : tasks.ids()) {
        tasks
            .state(taskId)
            .map(state -> SourcedRecords.bytes(state.getRecent()))
            .ifPresent(recent -> parts.metrics().recentAccuracy(taskId, recent));
      }
      surveyed = true;
    }
    training.apply(now);
    for (WaitingRecord expired : waiting.expired(now)) {
      handle(expired.getRecord(), WAITED);
    }
    training.start(now);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    handle(records.decode(record.value()), context.currentSystemTimeMs() + grace());
  }

  private long grace() {
    return Math.max(parts.options().labelGrace().toMillis(), DefinitionCheck.FRESH.toMillis());
  }

  /**
   * In the trace it is part of.
   *
   * @param until how long it may wait for a definition; {@link #WAITED} if it has waited
   */
  @SuppressWarnings("try") // scope and fields last as long as the block
  private void handle(SourcedRecord record, long until) {
    try (Scope trace = spans.contextOf(record).makeCurrent();
        LogFields fields = LogFields.ofTask(record.getTaskId())) {
      handleNow(record, until);
    }
  }

  private void handleNow(SourcedRecord record, long until) {
    switch (record.getKind()) {
      case LABEL -> label(record, until);
      case COMMAND -> command(record, until);
      case DEFINITION -> {
        if (record.getValue() == null) {
          retire(record.getTaskId());
        } else {
          define(record);
        }
      }
      case REQUEST -> throw new IllegalStateException("requests do not come here");
    }
  }

  private void define(SourcedRecord record) {
    String taskId = record.getTaskId();
    ByteBuffer definition = record.getValue();
    if (tasks.problem(definition).isPresent()) {
      return; // an earlier release took it, and this one's intake would not
    }
    TaskState state = tasks.state(taskId).orElseGet(() -> TaskState.newBuilder().build());
    if (state.getDefinition() == null) {
      state.setIncarnation(state.getIncarnation() + 1);
      state.setModelId(tasks.modelId());
    } else if (tasks.decode(state.getDefinition()).equals(tasks.decode(definition))) {
      return;
    }
    training.cancel(taskId);
    state.setDefinition(definition);
    tasks.save(taskId, state);
    ExampleBuffer.Moved moved = buffer.define(taskId, tasks.find(taskId).orElseThrow().labels());
    if (moved.aside() > 0 || moved.back() > 0) {
      state.setNewExamples(state.getNewExamples() + moved.back()); // no version may know them
      tasks.save(taskId, state);
      publisher.send(
          publisher
              .report(taskId, AdaptationOutcome.REDEFINED)
              .setTrigger("definition")
              .setReason(said(moved, buffer.setAside(taskId))));
    }
    judge(tasks.find(taskId).orElseThrow(), "definition");
    training.recheck(taskId);
    for (WaitingRecord freed : waiting.take(taskId)) {
      handle(freed.getRecord(), freed.getUntil());
    }
  }

  /** Reports when it changes whether the model can serve a task. */
  private void judge(OwnedTask task, String trigger) {
    Optional<String> told = parts.trainer().problem(task.definition());
    if (told.isEmpty() || told.get().equals(task.state().getProblem())) {
      return;
    }
    task.state().setProblem(told.get());
    tasks.save(task);
    boolean servable = told.get().isEmpty();
    publisher.send(
        publisher
            .report(
                task.taskId(), servable ? AdaptationOutcome.REDEFINED : AdaptationOutcome.REFUSED)
            .setTrigger(trigger)
            .setReason(
                servable
                    ? "The task can be served again."
                    : TaskDefinitions.NOT_SERVED + told.get()));
  }

  private static String said(ExampleBuffer.Moved moved, Map<String, Integer> aside) {
    String back =
        switch (moved.back()) {
          case 0 -> "";
          case 1 -> "1 example counts again. ";
          default -> moved.back() + " examples count again. ";
        };
    if (aside.isEmpty()) {
      return back + "No examples are set aside.";
    }
    return back
        + Sentences.examples(aside)
        + " set aside, which the definition does not have ("
        + aside.keySet().stream().limit(LABELS_NAMED).collect(Collectors.joining(", "))
        + (aside.size() > LABELS_NAMED ? ", ..." : "")
        + "). A definition that has a label again takes its examples back; FORGET or retiring the"
        + " task erases them.";
  }

  /** Keeps the counters of its versions and incarnations; erases everything else. */
  private void retire(String taskId) {
    Optional<TaskState> known = tasks.state(taskId).filter(s -> s.getDefinition() != null);
    if (known.isEmpty()) {
      return;
    }
    training.cancelAll(taskId, known.get(), "The task was retired.");
    training.forget(taskId);
    publisher.retire(taskId, known.get());
    buffer.clear(taskId);
    tasks.save(
        taskId,
        TaskState.newBuilder()
            .setIncarnation(known.get().getIncarnation())
            .setModels(new HashMap<>(known.get().getModels()))
            .setProblem(known.get().getProblem())
            .build());
  }

  private void command(SourcedRecord record, long until) {
    AdaptationCommand command =
        parts
            .reader()
            .read(
                record.getTopic(),
                SourcedRecords.bytes(record.getValue()),
                AdaptationCommand.class);
    Optional<OwnedTask> task = tasks.find(record.getTaskId());
    if (task.isPresent()) {
      commands.execute(command, task.get());
    } else if (!mayWait(record, originOf(record), null, until)) {
      commands.refuse(command, unknownTask(record.getTaskId()));
    }
  }

  private static String originOf(SourcedRecord record) {
    return record.getTopic() + "-" + record.getPartition() + "-" + record.getOffset();
  }

  /**
   * Defers the record if there is space: until its time is over, and after that as long as the
   * definition is on its way or this is unknown.
   *
   * @param label that the definition must have; null if it does not matter
   */
  private boolean mayWait(SourcedRecord record, String id, String label, long until) {
    if (until != WAITED) {
      return waiting.add(record.getTaskId(), id, record, until);
    }
    long now = context.currentSystemTimeMs();
    return switch (parts.definitionCheck().look(record.getTaskId(), label)) {
      case NONE -> false;
      case COMING -> waiting.add(record.getTaskId(), id, record, now + grace());
      case NOT_YET ->
          waiting.add(record.getTaskId(), id, record, now + DefinitionCheck.FRESH.toMillis() / 2);
    };
  }

  private String unknownTask(String taskId) {
    return tasks
        .state(taskId)
        .filter(state -> state.getDefinition() != null)
        .flatMap(state -> tasks.problem(state.getDefinition()))
        .map(why -> "Task '" + taskId + "' cannot be served (" + why + "); define it anew.")
        .orElse("No task '" + taskId + "' is defined; define it, then send this again.");
  }

  private void label(SourcedRecord record, long until) {
    LabelEvent event =
        parts
            .reader()
            .read(record.getTopic(), SourcedRecords.bytes(record.getValue()), LabelEvent.class);
    if (event.getLabel() != null) {
      event.setLabel(Label.canonical(event.getLabel()));
    }
    String hash = TextHash.of(record.getText(), record.getTextPair());
    Optional<OwnedTask> task = tasks.find(record.getTaskId());
    if (task.isPresent()) {
      label(task.get(), record, event, hash, until);
    } else if (!mayWait(record, hash, null, until)) {
      records.reject(context, record, ErrorCode.UNKNOWN_TASK, unknownTask(record.getTaskId()));
    }
  }

  private void label(
      OwnedTask task, SourcedRecord record, LabelEvent event, String hash, long until) {
    TaskDefinition definition = task.definition();
    Optional<String> never = TaskDefinitions.cannotLearn(definition);
    if (never.isPresent()) {
      records.reject(context, record, ErrorCode.INVALID_LABEL, never.get());
    } else if (record.getTextPair() == null && definition.template().needsPair()) {
      String why = "task '" + task.taskId() + "' needs a pair of texts; send textPair too";
      records.reject(context, record, ErrorCode.MISSING_TEXT_PAIR, why);
    } else if (event.getLabel() == null) {
      waiting.remove(task.taskId(), hash);
      if (buffer.remove(task.taskId(), hash).isPresent()) {
        parts.metrics().labels.increment();
      } else {
        parts.metrics().duplicateLabels.increment();
      }
    } else if (task.labels().contains(event.getLabel())) {
      waiting.remove(task.taskId(), hash);
      learn(task, record, event, hash);
    } else if (!mayWait(record, hash, event.getLabel(), until)) {
      records.reject(
          context, record, ErrorCode.UNKNOWN_LABEL, unknownLabel(task, event.getLabel()));
    }
  }

  private void learn(OwnedTask task, SourcedRecord record, LabelEvent event, String hash) {
    TaskState state = task.state();
    StoredExample example =
        StoredExample.newBuilder()
            .setText(record.getText())
            .setTextPair(record.getTextPair())
            .setLabel(event.getLabel())
            .setSource(event.getSource())
            .setSequence(state.getSequence() + 1)
            .setHeldOut(TextHash.share(hash) < task.heldOutFraction())
            .build();
    ExampleBuffer.Change change =
        buffer.put(task.taskId(), example, task.maxExamplesPerLabel(), state.getTestedUpTo());
    if (change == ExampleBuffer.Change.SAME) {
      parts.metrics().duplicateLabels.increment();
      return;
    }
    state.setSequence(example.getSequence());
    state.setNewExamples(state.getNewExamples() + 1);
    tasks.save(task);
    spans.labelled(task.taskId());
    training.recheck(task.taskId());
    parts.metrics().labels.increment();
  }

  private static String unknownLabel(OwnedTask task, String label) {
    Set<String> labels = task.labels();
    List<String> named = labels.stream().limit(LABELS_NAMED).toList();
    return "task '"
        + task.taskId()
        + "' has no label '"
        + label
        + "'; it has "
        + named
        + (labels.size() > LABELS_NAMED ? " and " + (labels.size() - LABELS_NAMED) + " more" : "");
  }

  @Override
  public void close() {
    if (training != null) {
      training.close();
    }
  }
}
