package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hyperstream.app.inference.SharedCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Both roles in one process, requests and labels at once: what a user runs, and what it survives.
 */
@DisplayName("The application, killed and stopped again and again under load and labels")
@ExtendWith(SharedCluster.class)
class KillIT {
  private static final Logger LOG = LoggerFactory.getLogger(KillIT.class);
  private static final FaultSettings SETTINGS = FaultSettings.fromSystemProperties();
  private static final Duration LABEL_EVERY = Duration.ofMillis(500);
  private static final Duration SHUTDOWN = Duration.ofSeconds(20);
  private static final Path TABLE = Path.of("target", "faults", "kills.tsv");
  private static final String HEADINGS =
      "seed\tprotocol\tkills\trequests\tlost\tduplicated\tunexpected\tout of order\twrong"
          + "\tlabels\tversions\treports\tlongest restart s\trun s\n";

  @BeforeAll
  static void startTable() throws Exception {
    Files.createDirectories(TABLE.getParent());
    Files.writeString(TABLE, HEADINGS);
  }

  @TestFactory
  @DisplayName(
      "answers each request exactly once, in order per key; counts each example once; numbers versions"
          + " without a gap and serves the last; ends in time on SIGTERM")
  Stream<DynamicTest> runs() {
    return LongStream.range(SETTINGS.seed(), SETTINGS.seed() + SETTINGS.runs())
        .mapToObj(seed -> dynamicTest("seed " + seed, () -> repeatable(seed)));
  }

  private static void repeatable(long seed) throws Exception {
    try {
      run(seed);
    } catch (Throwable e) {
      LOG.error(
          "To repeat this: infra/faults/kill-repeat.sh 1 --seed {} --kills {} --requests {} --protocol"
              + " {} --model {}",
          seed,
          SETTINGS.kills(),
          SETTINGS.requests(),
          SETTINGS.protocol(),
          SETTINGS.model());
      throw e;
    }
  }

  private static void run(long seed) throws Exception {
    String name = "kill-" + seed;
    SplittableRandom random = new SplittableRandom(seed);
    Instant start = Instant.now();
    try (FaultEnvironment environment = new FaultEnvironment(name, SETTINGS.application());
        RequestReconciliation requests =
            new RequestReconciliation(
                name,
                environment.topics(),
                environment.codec(),
                environment.bootstrapServers(),
                seed,
                Load.Flow.full(SETTINGS.requests()));
        LabelProducer labelProducer =
            new LabelProducer(
                environment.topics(),
                environment.codec(),
                environment.bootstrapServers(),
                new LabelSequence(seed),
                LABEL_EVERY)) {
      int duringStart = SETTINGS.kills() == 1 ? -1 : random.nextInt(1, SETTINGS.kills());
      for (int kill = 0; kill < SETTINGS.kills(); kill++) {
        ServeProcess application = environment.launch();
        if (kill == duringStart) {
          application.awaitLog("Kafka Streams: REBALANCING", FaultEnvironment.PATIENCE);
          application.run(random.nextInt(2_000));
        } else {
          awaitProgress(environment, requests, labelProducer, application);
          application.run(random.nextInt(4_000));
        }
        application.kill();
        LOG.info(
            "Kill {} with {} requests answered and {} labels sent",
            kill + 1,
            requests.output().answered(),
            labelProducer.sent());
      }

      ServeProcess stopped = environment.launch();
      awaitProgress(environment, requests, labelProducer, stopped);
      stopped.run(random.nextInt(500));
      LOG.info(
          "Under load: {} ms from SIGTERM to the end", terminate(environment, stopped).toMillis());
      assertThat(requests.tornCommits()).isEmpty();

      ServeProcess last = environment.launch();
      awaitProgress(environment, requests, labelProducer, last);
      requests.drain(last::requireAlive);
      int labels = labelProducer.stopAndCount();
      Map<String, Integer> expected = labelProducer.sequence().examplesAfter(labels);
      Map<String, Integer> examples = labelProducer.countExamples(last::requireAlive, expected);
      labelProducer.awaitServed(last::requireAlive);
      LOG.info(
          "Without load: {} ms from SIGTERM to the end", terminate(environment, last).toMillis());

      ExactlyOnceResult result = requests.result(labelProducer.requested());
      labelProducer.readToTheEnd();
      AdaptationOutput adaptation = labelProducer.output();
      add(
          "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f%n"
              .formatted(
                  seed,
                  SETTINGS.protocol(),
                  SETTINGS.kills(),
                  result.requests(),
                  result.lost().size(),
                  result.duplicated().size(),
                  result.unexpected().size(),
                  result.misordered().size(),
                  result.wrong().size(),
                  labels,
                  adaptation.versions(),
                  adaptation.reports(),
                  environment.longestRestart().toMillis() / 1e3,
                  Duration.between(start, Instant.now()).toMillis() / 1e3));
      assertThat(result).as("%s", result).matches(ExactlyOnceResult::isExactlyOnce);
      assertThat(requests.tornCommits()).isEmpty();
      assertThat(examples).isEqualTo(expected);
      assertThat(labelProducer.faults()).isEmpty();
      assertThat(adaptation.versions()).as("versions of any task").isPositive();
      assertThat(adaptation.deadLetters()).as("dead letters of labels").isZero();
    }
  }

  /** Waits until an answer and a report that this process made are committed. */
  private static void awaitProgress(
      FaultEnvironment environment,
      RequestReconciliation requests,
      LabelProducer labelProducer,
      ServeProcess process) {
    environment.awaitProgress(
        process,
        "a committed answer and a committed report",
        () -> {
          labelProducer.output().read();
          return requests.output().hasPredictionSince(process.launched())
              && labelProducer.output().hasReportSince(process.launched());
        });
  }

  /** SIGTERM; fails unless it ends in time and as it should. Returns how long that took. */
  private static Duration terminate(FaultEnvironment environment, ServeProcess process)
      throws InterruptedException {
    Instant start = Instant.now();
    // 143 is what Java makes of SIGTERM when all shutdown hooks are through.
    assertThat(process.terminate(SHUTDOWN))
        .as("exit status; see %s", environment.folder())
        .isIn(0, 143);
    return Duration.between(start, Instant.now());
  }

  private static void add(String row) throws Exception {
    LOG.info("{}{}", HEADINGS, row);
    Files.writeString(TABLE, row, StandardOpenOption.APPEND);
  }
}
