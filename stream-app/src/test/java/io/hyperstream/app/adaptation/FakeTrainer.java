package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.TrainingOutcome.Tested;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotTrial.Gain;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Takes jobs; the test decides the outcome. */
final class FakeTrainer implements AdaptationTrainer {
  private final Deque<TrainingJob> waiting = new ArrayDeque<>();
  private final Map<String, Consumer<TrainingOutcome>> done = new HashMap<>();
  final List<String> cancelled = new ArrayList<>();
  final List<String> forgotten = new ArrayList<>();

  @Override
  public void submit(TrainingJob job, Consumer<TrainingOutcome> consumer) {
    waiting.add(job);
    done.put(job.jobId(), consumer);
  }

  @Override
  public void cancel(String taskId, String jobId) {
    cancelled.add(jobId);
    waiting.removeIf(job -> job.jobId().equals(jobId));
  }

  /** What it says of every task. */
  Optional<String> problem = Optional.of("");

  @Override
  public Optional<String> problem(TaskDefinition task) {
    return problem;
  }

  @Override
  public void forget(String taskId) {
    forgotten.add(taskId);
  }

  /** The next job that was submitted. */
  TrainingJob take() {
    TrainingJob job = waiting.poll();
    if (job == null) {
      throw new NoSuchElementException("no job was submitted");
    }
    return job;
  }

  boolean idle() {
    return waiting.isEmpty();
  }

  void tested(TrainingJob job, boolean right) {
    finish(job, Collections.nCopies(job.untested().size(), right), new Tested());
  }

  /** A candidate that is better with this probability. */
  void judged(TrainingJob job, double probability) {
    judged(job, probability, false);
  }

  void judged(TrainingJob job, double probability, boolean heldOutTrained) {
    finish(
        job,
        Collections.nCopies(job.untested().size(), true),
        judgement(candidate(1f).build(), probability, heldOutTrained));
  }

  static Judged judgement(AdapterVersion candidate, double probability, boolean heldOutTrained) {
    return new Judged(
        Optional.of(candidate),
        "",
        Map.of("accuracy", 0.5, "log_loss", 0.9),
        Map.of("accuracy", 0.75, "log_loss", 0.4),
        new Gain(0.5, 1),
        OptionalDouble.of(probability),
        12,
        heldOutTrained,
        Optional.of("mean"));
  }

  static AdapterVersion.Builder candidate(float value) {
    return AdapterVersion.newBuilder()
        .setTaskId("")
        .setModelId("")
        .setVersion(0)
        .setForm(AdapterForm.EMBEDDING)
        .setEmbedding(List.of(value, 2f))
        .setCreatedAt(Instant.EPOCH);
  }

  /** A candidate that is clearly better, and a vector of each example that had none. */
  void withVectors(TrainingJob job, String modelId) {
    Map<Example, StoredVector> made = new HashMap<>();
    Stream.concat(job.train().stream(), job.heldOut().stream())
        .filter(example -> !job.vectors().containsKey(example))
        .forEach(example -> made.put(example, vector(modelId, example.text())));
    done.get(job.jobId())
        .accept(
            new TrainingOutcome(
                job.taskId(),
                job.jobId(),
                Collections.nCopies(job.untested().size(), true),
                made,
                judgement(candidate(1f).build(), 1, false)));
  }

  /** Says by itself whose it is. */
  static StoredVector vector(String modelId, String text) {
    return StoredVector.newBuilder()
        .setModelId(modelId)
        .setStart("bare")
        .setSettings("any")
        .setValues(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)))
        .build();
  }

  void nothingUsable(TrainingJob job, String reason) {
    finish(
        job,
        List.of(),
        new Judged(
            Optional.empty(),
            reason,
            Map.of("accuracy", 0.5),
            Map.of(),
            Gain.NONE,
            OptionalDouble.empty(),
            0,
            false,
            Optional.empty()));
  }

  void failed(TrainingJob job, String reason) {
    finish(job, List.of(), new Failed(reason));
  }

  void finish(TrainingJob job, List<Boolean> tested, TrainingOutcome.Result result) {
    done.get(job.jobId()).accept(new TrainingOutcome(job.taskId(), job.jobId(), tested, result));
  }
}
