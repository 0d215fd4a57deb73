package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.hyperstream.app.adaptation.TrainingOutcome.Tested;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The trainer's thread")
class TrainerThreadTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final BlockingQueue<TrainingOutcome> outcomes = new LinkedBlockingQueue<>();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final BlockingQueue<String> forgotten = new LinkedBlockingQueue<>();
  private final CountDownLatch workClosed = new CountDownLatch(1);
  private final CountDownLatch begun = new CountDownLatch(1);
  private Step preparation = (job, wanted) -> {};
  private TrainerThread trainer;

  @AfterEach
  void stop() {
    trainer.close();
  }

  /** What a test makes of a job. */
  private interface Step {
    void run(TrainingJob job, BooleanSupplier cancelled) throws Exception;
  }

  private void start(Step step) {
    trainer =
        new TrainerThread(
            new TrainerThread.Work() {
              @Override
              public TrainingOutcome run(TrainingJob job, BooleanSupplier cancelled)
                  throws Exception {
                begun.countDown();
                step.run(job, cancelled);
                return new TrainingOutcome(job.taskId(), job.jobId(), List.of(), new Tested());
              }

              @Override
              public void prepare(TrainingJob job, BooleanSupplier wanted) throws Exception {
                preparation.run(job, wanted);
              }

              @Override
              public Optional<String> problem(TaskDefinition task) {
                return Optional.empty();
              }

              @Override
              public void forget(String taskId) {
                forgotten.add(taskId);
              }

              @Override
              public void close() {
                workClosed.countDown();
              }
            },
            meters);
    trainer.start();
  }

  private void submit(String taskId, String jobId) {
    trainer.submit(
        new TrainingJob(
            taskId,
            jobId,
            Kind.TEST,
            TaskDefinition.classification(taskId, List.of("yes", "no")),
            Optional.empty(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Map.of(),
            Method.AUTO,
            false,
            Optional.empty(),
            1),
        outcomes::add);
  }

  private TrainingOutcome next() throws InterruptedException {
    TrainingOutcome next = outcomes.poll(SOON.toSeconds(), TimeUnit.SECONDS);
    assertThat(next).as("an outcome within %s", SOON).isNotNull();
    return next;
  }

  private static void awaitYes(BooleanSupplier asked) {
    await().atMost(SOON).pollInterval(Duration.ofMillis(1)).until(asked::getAsBoolean);
  }

  @Test
  @DisplayName("works job after job, in the order they came")
  void order() throws Exception {
    start((job, cancelled) -> {});
    for (int i = 0; i < 20; i++) {
      submit("t" + i, "j" + i);
    }
    for (int i = 0; i < 20; i++) {
      TrainingOutcome outcome = next();
      assertThat(outcome.jobId()).isEqualTo("j" + i);
      assertThat(outcome.taskId()).isEqualTo("t" + i);
    }
    assertThat(meters.get("hyperstream.adaptation.job.time").tag("end", "done").timer().count())
        .isEqualTo(20);
  }

  @Test
  @DisplayName("makes what goes wrong the job's outcome, errors too, and goes on")
  void failures() throws Exception {
    start(
        (job, cancelled) -> {
          switch (job.jobId()) {
            case "a" -> throw new IllegalArgumentException("no label has an example");
            case "b" -> throw new OutOfMemoryError("Java heap space");
            case "c" -> throw new UnsatisfiedLinkError("no such library");
            default -> {}
          }
        });
    for (String id : List.of("a", "b", "c", "d")) {
      submit("task-" + id, id);
    }
    assertThat(next().result()).isEqualTo(new Failed("training failed: no label has an example"));
    assertThat(next().result())
        .isEqualTo(
            new Failed(
                "the process ran out of memory with 0 examples; give it more or keep fewer examples"
                    + " per label"));
    assertThat(next().result()).isEqualTo(new Failed("training failed: no such library"));
    assertThat(next().result()).isEqualTo(new Tested());
  }

  @Test
  @DisplayName("gives a task's older job up for its newer one")
  void newestWins() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    start(
        (job, cancelled) -> {
          if (job.jobId().equals("first")) {
            awaitYes(cancelled);
            go.await();
          }
        });
    submit("t", "first");
    begun.await();
    submit("t", "second");
    submit("t", "third");
    submit("other", "fourth");
    go.countDown();
    assertThat(next().jobId()).isEqualTo("third");
    assertThat(next().jobId()).isEqualTo("fourth");
    assertThat(outcomes).isEmpty();
  }

  @Test
  @DisplayName("drops a cancelled job, waiting or running, and no other")
  void cancel() throws Exception {
    start(
        (job, cancelled) -> {
          if (job.jobId().equals("running")) {
            awaitYes(cancelled);
          }
        });
    submit("a", "running");
    begun.await();
    submit("b", "waiting");
    submit("c", "kept");
    trainer.cancel("b", "waiting");
    trainer.cancel("c", "of another time");
    trainer.cancel("a", "running");
    assertThat(next().jobId()).isEqualTo("kept");
    assertThat(outcomes).isEmpty();
    await().atMost(SOON).until(() -> trainer.jobs() == 0);
  }

  @Test
  @DisplayName("ends when it is closed, whatever runs, and frees what it worked with")
  void close() throws Exception {
    start((job, cancelled) -> awaitYes(cancelled));
    submit("a", "running");
    begun.await();
    submit("b", "waiting");
    trainer.close();
    assertThat(workClosed.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    submit("c", "too late");
    assertThat(outcomes).isEmpty();
  }

  @Test
  @DisplayName("prepares for a task's next job while nothing else is to do, whatever comes of it")
  void prepares() throws Exception {
    BlockingQueue<String> prepared = new LinkedBlockingQueue<>();
    preparation =
        (job, wanted) -> {
          prepared.add(job.jobId());
          awaitYes(wanted);
          if (job.jobId().equals("b")) {
            throw new CancellationException();
          }
          throw new OutOfMemoryError();
        };
    start((job, cancelled) -> {});
    submit("t", "a");
    assertThat(next().jobId()).isEqualTo("a");
    assertThat(prepared.poll(SOON.toSeconds(), TimeUnit.SECONDS)).isEqualTo("a");
    submit("t", "b");
    submit("u", "c");
    assertThat(next().jobId()).isEqualTo("b");
    assertThat(next().jobId()).isEqualTo("c");
    trainer.close();
    assertThat(workClosed.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(outcomes).isEmpty();
  }

  @Test
  @DisplayName("forgets a task while idle, and after the job under way, but before the next")
  void forgets() throws Exception {
    List<String> beforeJob = new CopyOnWriteArrayList<>();
    start(
        (job, cancelled) -> {
          beforeJob.addAll(forgotten);
          if (job.jobId().equals("a")) {
            awaitYes(cancelled);
          }
        });
    trainer.forget("idle");
    assertThat(forgotten.poll(SOON.toSeconds(), TimeUnit.SECONDS)).isEqualTo("idle");
    submit("t", "a");
    begun.await();
    trainer.forget("t");
    assertThat(forgotten).isEmpty();
    submit("t", "b"); // cancels a
    assertThat(next().jobId()).isEqualTo("b");
    assertThat(beforeJob).containsExactly("t");
  }

  @Test
  @DisplayName("ends the preparation of a task that is to be forgotten")
  void forgetsWhatIsPrepared() throws Exception {
    preparation = (job, wanted) -> awaitYes(wanted);
    start((job, cancelled) -> {});
    submit("t", "a");
    assertThat(next().jobId()).isEqualTo("a");
    trainer.forget("t");
    assertThat(forgotten.poll(SOON.toSeconds(), TimeUnit.SECONDS)).isEqualTo("t");
  }

  @Test
  @DisplayName("takes only so many jobs, and says so")
  void full() throws Exception {
    start((job, cancelled) -> awaitYes(cancelled));
    submit("first", "first");
    begun.await();
    for (int i = 0; outcomes.isEmpty(); i++) {
      assertThat(i).isLessThan(10_000);
      submit("t" + i, "j" + i);
    }
    assertThat(next().result())
        .isInstanceOfSatisfying(Failed.class, f -> assertThat(f.reason()).contains("try again"));
  }
}
