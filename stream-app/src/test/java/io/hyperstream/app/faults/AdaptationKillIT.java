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

@DisplayName("The adapting application, killed with SIGKILL again and again while labels stream in")
@ExtendWith(SharedCluster.class)
class AdaptationKillIT {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationKillIT.class);
  private static final int KILLS = Integer.getInteger("hyperstream.faults.adaptation.kills", 3);
  private static final FaultSettings SETTINGS = FaultSettings.fromSystemProperties();
  private static final Duration LESSON_EVERY = Duration.ofMillis(500);
  private static final Path TABLE = Path.of("target", "faults", "adaptation-kills.tsv");
  private static final String HEADINGS =
      "seed\tprotocol\tlessons\tkills\tversions\treports\tlongest restart s\trun s\n";

  @BeforeAll
  static void startTable() throws Exception {
    Files.createDirectories(TABLE.getParent());
    Files.writeString(TABLE, HEADINGS);
  }

  @TestFactory
  @DisplayName(
      "loses no example, counts none twice, numbers versions without a gap, serves the last")
  Stream<DynamicTest> runs() {
    return LongStream.range(SETTINGS.seed(), SETTINGS.seed() + SETTINGS.runs())
        .mapToObj(seed -> dynamicTest("seed " + seed, () -> run(seed)));
  }

  private static void run(long seed) throws Exception {
    Instant start = Instant.now();
    SplittableRandom random = new SplittableRandom(seed);
    try (FaultGround ground = new FaultGround("adaptation-kill-" + seed, SETTINGS.application());
        School school =
            new School(
                ground.topics(),
                ground.codec(),
                ground.bootstrapServers(),
                new Lessons(seed),
                LESSON_EVERY)) {
      int duringStart = KILLS == 1 ? -1 : random.nextInt(1, KILLS);
      for (int kill = 0; kill < KILLS; kill++) {
        ServeProcess application = ground.launch();
        if (kill == duringStart) {
          application.awaitLog("Kafka Streams: REBALANCING", FaultGround.PATIENCE);
          application.run(random.nextInt(2_000));
        } else {
          awaitProgress(ground, school, application);
          application.run(random.nextInt(4_000));
        }
        application.kill();
        LOG.info("Kill {} after {} lessons", kill + 1, school.taught());
      }
      ServeProcess last = ground.launch();
      awaitProgress(ground, school, last);
      int lessons = school.endLessons();
      Map<String, Integer> expected = school.lessons().examplesAfter(lessons);
      Map<String, Integer> examples = school.countExamples(last::requireAlive, expected);
      school.awaitServed(last::requireAlive);
      last.terminate(Duration.ofSeconds(30));
      school.readToTheEnd();
      AdaptationBooks books = school.books();
      assertThat(examples).isEqualTo(expected);
      assertThat(school.faults()).isEmpty();
      assertThat(books.versions()).as("versions of any task").isPositive();
      assertThat(books.deadLetters()).isZero();
      String row =
          "%d\t%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f%n"
              .formatted(
                  seed,
                  SETTINGS.protocol(),
                  lessons,
                  KILLS,
                  books.versions(),
                  books.reports(),
                  ground.longestRestart().toMillis() / 1e3,
                  Duration.between(start, Instant.now()).toMillis() / 1e3);
      LOG.info("{}{}", HEADINGS, row);
      Files.writeString(TABLE, row, StandardOpenOption.APPEND);
    }
  }

  /** Waits until a report that this process made is committed. */
  private static void awaitProgress(FaultGround ground, School school, ServeProcess process) {
    ground.awaitProgress(
        process,
        "a committed report",
        () -> {
          school.books().read();
          return school.books().hasReportSince(process.launched());
        });
  }
}
