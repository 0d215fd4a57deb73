package io.hyperstream.app.faults;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One run: all tasks defined, sustained load, the books, and the application as a process. */
final class FaultRun implements AutoCloseable {
  private static final Duration SHUTDOWN = Duration.ofSeconds(20);

  private final FaultGround ground;
  private final RequestBooks books;

  /**
   * @param name prefix of its topics, group and folder
   * @param requests sent at least
   * @param overrides of the application's settings, without {@code hyperstream.}
   */
  FaultRun(String name, long seed, int requests, Map<String, String> overrides) throws Exception {
    Map<String, String> settings = new HashMap<>(Map.of("roles", "inference"));
    settings.putAll(overrides);
    ground = new FaultGround(name, settings);
    books =
        new RequestBooks(
            name,
            ground.topics(),
            ground.codec(),
            ground.bootstrapServers(),
            seed,
            Load.Flow.full(requests));
  }

  ServeProcess launch() {
    return ground.launch();
  }

  /** Waits until something that this process answered is committed. */
  void awaitProgress(ServeProcess process) {
    ground.awaitProgress(
        process,
        "a committed prediction",
        () -> books.ledger().hasPredictionSince(process.launched()));
  }

  /** The longest time from a launch to its first committed prediction. */
  Duration longestRestart() {
    return ground.longestRestart();
  }

  /** Stops the load and waits until each of its requests has an answer. */
  void drain(ServeProcess process) throws InterruptedException {
    books.drain(process::requireAlive);
  }

  /** SIGTERM; fails unless it ends in time and as it should. Returns how long that took. */
  Duration terminate(ServeProcess process) throws InterruptedException {
    Instant start = Instant.now();
    int status = process.terminate(SHUTDOWN);
    // 143 is what Java makes of SIGTERM when all shutdown hooks are through.
    if (status != 0 && status != 143) {
      throw new AssertionError("exit status " + status + " after SIGTERM; see " + ground.folder());
    }
    return Duration.between(start, Instant.now());
  }

  /** What must hold after the end of the load, with no process running. */
  Verdict verdict() {
    return books.verdict(Set.of());
  }

  /** See {@link RequestBooks#tornCommits}. */
  List<String> tornCommits() {
    return books.tornCommits();
  }

  int answered() {
    return books.ledger().answered();
  }

  @Override
  public void close() throws IOException {
    books.close();
    ground.close();
  }
}
