package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.TaskDefinition;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The inference engine")
class InferenceEngineTest {
  private static final TaskDefinition MOOD =
      TaskDefinition.classification("mood", List.of("good", "bad"));
  private static final TaskDefinition TOPIC =
      TaskDefinition.classification("topic", List.of("a", "b", "c"));

  private final TestPredictor predictor = new TestPredictor();
  private final InferenceMetrics metrics = new InferenceMetrics(new SimpleMeterRegistry());
  private Duration patience = Duration.ofMinutes(1);
  private final List<Path> missing = new CopyOnWriteArrayList<>();
  private InferenceEngine engine;

  private static final class Ticket implements InferenceEngine.Job {
    final CompletableFuture<RowResult> result = new CompletableFuture<>();
    final PreparedRow row;
    volatile boolean wanted = true;

    Ticket(PreparedRow row) {
      this.row = row;
    }

    @Override
    public PreparedRow row() {
      return row;
    }

    @Override
    public boolean isWanted() {
      return wanted;
    }

    @Override
    public void complete(RowResult outcome) {
      result.complete(outcome);
    }

    @Override
    public void abandon(NotNowException reason) {
      result.completeExceptionally(reason);
    }

    RowResult get() {
      return result.orTimeout(20, TimeUnit.SECONDS).join();
    }
  }

  private InferenceEngine engine(Duration linger, UnaryOperator<PreparedRow> freshest) {
    BatchPolicy policy = new BatchPolicy(8, 100, linger);
    engine =
        new InferenceEngine(
            predictor,
            policy,
            patience,
            new WarmUp(predictor)::canary,
            freshest,
            missing::add,
            metrics,
            InferenceSpans.off());
    return engine;
  }

  private Ticket ticket(TaskDefinition task, String text) {
    return new Ticket(
        predictor.prepare(task, predictor.startingAdapter(task), text, Optional.empty()));
  }

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  @DisplayName("puts rows of different tasks into one batch")
  void batches() {
    engine(Duration.ofSeconds(10), row -> row);
    List<Ticket> tickets = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      tickets.add(ticket(i % 2 == 0 ? MOOD : TOPIC, "row " + i));
      engine.submit(tickets.get(i));
    }
    engine.start();
    assertThat(tickets).allSatisfy(t -> assertThat(t.get()).isInstanceOf(TaskPrediction.class));
    assertThat(predictor.batches()).hasSize(1);
    assertThat(metrics.batchRows.totalAmount()).isEqualTo(8);
    assertThat(metrics.batchTasks.totalAmount()).isEqualTo(2);
    assertThat(metrics.sharedRatio.totalAmount()).isZero();
  }

  @Test
  @DisplayName("does not hold a lonely row longer than the linger")
  void linger() {
    engine(Duration.ofMillis(20), row -> row).start();
    Ticket ticket = ticket(MOOD, "alone");
    engine.submit(ticket);
    assertThat(ticket.get()).isInstanceOf(TaskPrediction.class);
  }

  @Test
  @DisplayName("splits a batch that fails and blames only the row that fails alone")
  void splits() {
    engine(Duration.ofSeconds(10), row -> row);
    Ticket good = ticket(MOOD, "fine");
    Ticket poison = ticket(MOOD, "poison");
    Ticket other = ticket(TOPIC, "fine too");
    for (Ticket ticket : List.of(good, poison, other)) {
      engine.submit(ticket);
    }
    engine.start();
    engine.close();
    assertThat(good.get()).isInstanceOf(TaskPrediction.class);
    assertThat(other.get()).isInstanceOf(TaskPrediction.class);
    assertThat(poison.get())
        .isInstanceOfSatisfying(
            RowFailure.class,
            failure -> assertThat(failure.code()).isEqualTo(InferenceException.Code.MODEL_ERROR));
    assertThat(engine.deviceError()).isEmpty();
    assertThat(metrics.batchFailures.count()).isEqualTo(1);
  }

  @Test
  @DisplayName("blames nobody while the device is down, and answers when it is back")
  void deviceDown() {
    engine(Duration.ZERO, row -> row).start();
    predictor.deviceDown(true);
    Ticket first = ticket(MOOD, "one");
    Ticket second = ticket(MOOD, "two");
    engine.submit(first);
    await().until(() -> engine.deviceError().isPresent());
    engine.submit(second);
    assertThat(engine.deviceError().orElseThrow()).contains("the test device is down");
    assertThat(first.result).isNotDone();
    predictor.deviceDown(false);
    assertThat(first.get()).isInstanceOf(TaskPrediction.class);
    assertThat(second.get()).isInstanceOf(TaskPrediction.class);
    assertThat(engine.deviceError()).isEmpty();
  }

  private List<Ticket> submit(String... texts) {
    List<Ticket> tickets = Stream.of(texts).map(text -> ticket(MOOD, text)).toList();
    tickets.forEach(engine::submit);
    return tickets;
  }

  @Test
  @DisplayName("halves a batch there is no memory for until there is; every row is answered")
  void outOfMemory() {
    predictor.roomFor(2);
    engine(Duration.ofSeconds(10), row -> row);
    List<Ticket> tickets = submit("a", "b", "c", "d", "e", "f", "g", "h");
    engine.start();
    assertThat(tickets).allSatisfy(t -> assertThat(t.get()).isInstanceOf(TaskPrediction.class));
    assertThat(predictor.batches()).filteredOn(batch -> batch.size() == 2).hasSize(4);
    assertThat(engine.deviceError()).isEmpty();
    assertThat(metrics.batchFailures.count()).isEqualTo(1);
    assertThat(metrics.workerRestarts.count()).isZero();
  }

  @Test
  @DisplayName("blames no long row while the device has no memory for any row as long")
  void longRow() {
    predictor.roomForTokens(20);
    engine(Duration.ZERO, row -> row);
    List<Ticket> tickets = submit("short", "w ".repeat(30), "also short");
    engine.start();
    await().until(() -> engine.deviceError().filter(e -> e.contains("no space")).isPresent());
    assertThat(tickets.get(1).result).isNotDone();
    predictor.roomForTokens(1_000);
    assertThat(tickets).allSatisfy(t -> assertThat(t.get()).isInstanceOf(TaskPrediction.class));
    assertThat(engine.deviceError()).isEmpty();
  }

  @Test
  @DisplayName("blames only the row that needs more memory than there is")
  void culprit() {
    engine(Duration.ofSeconds(10), row -> row);
    List<Ticket> tickets = submit("a", "b", "c", "d", "e", "huge", "g", "h");
    engine.start();
    for (Ticket ticket : tickets) {
      if (ticket.row.inputIds()[0] == -3) {
        assertThat(ticket.get())
            .isInstanceOfSatisfying(
                RowFailure.class, failure -> assertThat(failure.message()).contains("no space"));
      } else {
        assertThat(ticket.get()).isInstanceOf(TaskPrediction.class);
      }
    }
    assertThat(engine.deviceError()).isEmpty();
  }

  @Test
  @DisplayName("gives rows to a new worker when the device fails, and answers each when it is back")
  void newWorker() {
    AtomicBoolean broken = new AtomicBoolean(true);
    predictor.glitches(call -> broken.get());
    engine(Duration.ofSeconds(10), row -> row);
    List<Ticket> tickets = submit("a", "b", "c", "d", "e", "f", "g", "h");
    engine.start();
    await().until(() -> engine.deviceError().filter(e -> e.contains("a glitch")).isPresent());
    broken.set(false);
    assertThat(tickets).allSatisfy(t -> assertThat(t.get()).isInstanceOf(TaskPrediction.class));
    assertThat(engine.deviceError()).isEmpty();
    assertThat(engine.fatal()).isEmpty();
    assertThat(metrics.workerRestarts.count()).isEqualTo(1);
    assertThat(predictor.threads()).hasSize(2);
    assertThat(predictor.batches()).filteredOn(batch -> batch.size() == 8).hasSize(2);
  }

  @Test
  @DisplayName("opens and closes again as often as the device fails")
  void failsAgain() {
    // The row and a canary fail, a canary passes; the row and a canary fail again, and so on.
    predictor.glitches(call -> call < 2 || call == 3 || call == 4);
    engine(Duration.ZERO, row -> row).start();
    assertThat(submit("a").get(0).get()).isInstanceOf(TaskPrediction.class);
    assertThat(metrics.workerRestarts.count()).isEqualTo(2);
    assertThat(engine.deviceError()).isEmpty();
  }

  @Test
  @DisplayName("asks for weights that are gone; their rows wait, the others are answered")
  void weightsAreGone() {
    predictor.readWeights();
    engine(Duration.ofSeconds(10), row -> row);
    Path gone = Path.of("gone.safetensors");
    TaskAdapter weights = new TaskAdapter("mood", 1, new AdapterForm.Weights(gone));
    List<Ticket> lost = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Ticket ticket = ticket(MOOD, "row " + i);
      if (i % 2 == 0) {
        ticket = new Ticket(ticket.row.with(weights));
        lost.add(ticket);
      }
      engine.submit(ticket);
    }
    engine.start();
    engine.close();
    assertThat(lost)
        .allSatisfy(
            ticket ->
                assertThat(ticket.result)
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableThat()
                    .withCauseInstanceOf(NotNowException.class));
    assertThat(missing).containsOnly(gone);
    assertThat(predictor.batches()).extracting(List::size).containsExactly(8, 4);
    assertThat(metrics.batchFailures.count()).isZero();
  }

  @Test
  @DisplayName("does not blame a row for an error that does not come again")
  void glitch() {
    predictor.glitches(call -> call == 0);
    engine(Duration.ZERO, row -> row).start();
    assertThat(submit("alone").get(0).get()).isInstanceOf(TaskPrediction.class);
    assertThat(metrics.workerRestarts.count()).isZero();
  }

  @Test
  @DisplayName("says when the device does not come back from a batch, and when that is for good")
  void hangs() {
    patience = Duration.ofMillis(100);
    CountDownLatch release = new CountDownLatch(1);
    predictor.hangUntil(release);
    engine(Duration.ZERO, row -> row).start();
    Ticket ticket = submit("stuck").get(0);
    await().until(() -> engine.deviceError().isPresent());
    await().until(() -> engine.fatal().isPresent());
    assertThat(engine.fatal().orElseThrow()).contains("at one batch");
    release.countDown();
    assertThat(ticket.get()).isInstanceOf(TaskPrediction.class);
    await().until(() -> engine.deviceError().isEmpty());
    assertThat(engine.fatal()).isEmpty();
  }

  @Test
  @DisplayName("drops rows nobody waits for")
  void unwanted() {
    engine(Duration.ofMillis(50), row -> row);
    Ticket evicted = ticket(MOOD, "evicted");
    Ticket wanted = ticket(MOOD, "wanted");
    evicted.wanted = false;
    engine.submit(evicted);
    engine.submit(wanted);
    engine.start();
    assertThat(wanted.get()).isInstanceOf(TaskPrediction.class);
    assertThat(evicted.result).isNotDone();
    assertThat(predictor.batches()).containsExactly(List.of(wanted.row));
  }

  @Test
  @DisplayName("answers first what a thread already waits for")
  void urgent() {
    BatchPolicy one = new BatchPolicy(1, 100, Duration.ZERO);
    engine =
        new InferenceEngine(
            predictor,
            one,
            patience,
            new WarmUp(predictor)::canary,
            row -> row,
            missing::add,
            metrics,
            InferenceSpans.off());
    Ticket early = ticket(MOOD, "early");
    Ticket urgent = ticket(MOOD, "urgent");
    engine.submit(early);
    engine.submitFirst(urgent);
    engine.start();
    assertThat(early.get()).isInstanceOf(TaskPrediction.class);
    assertThat(predictor.batches()).containsExactly(List.of(urgent.row), List.of(early.row));
  }

  @Test
  @DisplayName("uses the adapters that are served when the batch starts")
  void freshest() {
    engine(
        Duration.ZERO,
        row ->
            new PreparedRow(
                row.task(),
                new TaskAdapter(row.task().taskId(), 7, row.adapter().form()),
                row.inputIds(),
                row.input().truncated()));
    Ticket ticket = ticket(MOOD, "text");
    engine.submit(ticket);
    engine.start();
    assertThat(((TaskPrediction) ticket.get()).adapterVersion()).isEqualTo(7);
  }

  @Test
  @DisplayName("gives rows back when it closes while the device is down, and takes no more")
  void closes() {
    engine(Duration.ZERO, row -> row).start();
    predictor.deviceDown(true);
    Ticket ticket = ticket(MOOD, "one");
    engine.submit(ticket);
    await().until(() -> engine.deviceError().isPresent());
    engine.close();
    assertThat(ticket.result)
        .failsWithin(Duration.ofSeconds(5))
        .withThrowableThat()
        .withCauseInstanceOf(NotNowException.class);
    Ticket late = ticket(MOOD, "late");
    engine.submit(late);
    assertThat(late.result).isCompletedExceptionally();
    assertThat(engine.fatal()).isPresent();
  }
}
