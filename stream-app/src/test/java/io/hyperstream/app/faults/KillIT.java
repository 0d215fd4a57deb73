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
    try (FaultGround ground = new FaultGround(name, SETTINGS.application());
        RequestBooks requests =
            new RequestBooks(
                name,
                ground.topics(),
                ground.codec(),
                ground.bootstrapServers(),
                seed,
                Load.Flow.full(SETTINGS.requests()));
        School school =
            new School(
                ground.topics(),
                ground.codec(),
                ground.bootstrapServers(),
                new Lessons(seed),
                LABEL_EVERY)) {
      int duringStart = SETTINGS.kills() == 1 ? -1 : random.nextInt(1, SETTINGS.kills());
      for (int kill = 0; kill < SETTINGS.kills(); kill++) {
        ServeProcess application = ground.launch();
        if (kill == duringStart) {
          application.awaitLog("Kafka Streams: REBALANCING", FaultGround.PATIENCE);
          application.run(random.nextInt(2_000));
        } else {
          awaitProgress(ground, requests, school, application);
          application.run(random.nextInt(4_000));
        }
        application.kill();
        LOG.info(
            "Kill {} with {} requests answered and {} labels sent",
            kill + 1,
            requests.ledger().answered(),
            school.taught());
      }

      ServeProcess stopped = ground.launch();
      awaitProgress(ground, requests, school, stopped);
      stopped.run(random.nextInt(500));
      LOG.info("Under load: {} ms from SIGTERM to the end", terminate(ground, stopped).toMillis());
      assertThat(requests.tornCommits()).isEmpty();

      ServeProcess last = ground.launch();
      awaitProgress(ground, requests, school, last);
      requests.drain(last::requireAlive);
      int labels = school.endLessons();
      Map<String, Integer> expected = school.lessons().examplesAfter(labels);
      Map<String, Integer> examples = school.countExamples(last::requireAlive, expected);
      school.awaitServed(last::requireAlive);
      LOG.info("Without load: {} ms from SIGTERM to the end", terminate(ground, last).toMillis());

      Verdict verdict = requests.verdict(school.asked());
      school.readToTheEnd();
      AdaptationBooks books = school.books();
      enter(
          "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f%n"
              .formatted(
                  seed,
                  SETTINGS.protocol(),
                  SETTINGS.kills(),
                  verdict.requests(),
                  verdict.lost().size(),
                  verdict.duplicated().size(),
                  verdict.unexpected().size(),
                  verdict.misordered().size(),
                  verdict.wrong().size(),
                  labels,
                  books.versions(),
                  books.reports(),
                  ground.longestRestart().toMillis() / 1e3,
                  Duration.between(start, Instant.now()).toMillis() / 1e3));
      assertThat(verdict).as("%s", verdict).matches(Verdict::isExactlyOnce);
      assertThat(requests.tornCommits()).isEmpty();
      assertThat(examples).isEqualTo(expected);
      assertThat(school.faults()).isEmpty();
      assertThat(books.versions()).as("versions of any task").isPositive();
      assertThat(books.deadLetters()).as("dead letters of labels").isZero();
    }
  }

  /** Waits until an answer and a report that this process made are committed. */
  private static void awaitProgress(
      FaultGround ground, RequestBooks requests, School school, ServeProcess process) {
    ground.awaitProgress(
        process,
        "a committed answer and a committed report",
        () -> {
          school.books().read();
          return requests.ledger().hasPredictionSince(process.launched())
              && school.books().hasReportSince(process.launched());
        });
  }

  /** SIGTERM; fails unless it ends in time and as it should. Returns how long that took. */
  private static Duration terminate(FaultGround ground, ServeProcess process)
      throws InterruptedException {
    Instant start = Instant.now();
    // 143 is what Java makes of SIGTERM when all shutdown hooks are through.
    assertThat(process.terminate(SHUTDOWN)).as("exit status; see %s", ground.folder()).isIn(0, 143);
    return Duration.between(start, Instant.now());
  }

  private static void enter(String row) throws Exception {
    LOG.info("{}{}", HEADINGS, row);
    Files.writeString(TABLE, row, StandardOpenOption.APPEND);
  }
}
