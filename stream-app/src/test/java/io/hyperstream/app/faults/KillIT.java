package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hyperstream.app.inference.SharedCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
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

@DisplayName("The application, killed with SIGKILL again and again under load")
@ExtendWith(SharedCluster.class)
class KillIT {
  private static final Logger LOG = LoggerFactory.getLogger(KillIT.class);
  private static final FaultSettings SETTINGS = FaultSettings.fromSystemProperties();
  private static final Path TABLE = Path.of("target", "faults", "kills.tsv");
  private static final String HEADINGS =
      "seed\tprotocol\trequests\tkills\tlost\tduplicated\tunexpected\tout of order\twrong"
          + "\tlongest restart s\trun s\n";

  @BeforeAll
  static void startTable() throws Exception {
    Files.createDirectories(TABLE.getParent());
    Files.writeString(TABLE, HEADINGS);
  }

  @TestFactory
  @DisplayName("answers each request exactly once, in order per key, and nothing else")
  Stream<DynamicTest> runs() {
    return LongStream.range(SETTINGS.seed(), SETTINGS.seed() + SETTINGS.runs())
        .mapToObj(seed -> dynamicTest("seed " + seed, () -> run(seed)));
  }

  private static void run(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Instant start = Instant.now();
    try (FaultRun run =
        new FaultRun("kill-" + seed, seed, SETTINGS.requests(), SETTINGS.application())) {
      int duringStart = SETTINGS.kills() == 1 ? -1 : random.nextInt(1, SETTINGS.kills());
      for (int kill = 0; kill < SETTINGS.kills(); kill++) {
        ServeProcess application = run.launch();
        if (kill == duringStart) {
          application.awaitLog("Kafka Streams: REBALANCING", FaultGround.PATIENCE);
          application.run(random.nextInt(1_000));
        } else {
          run.awaitProgress(application);
          application.run(random.nextInt(3_000));
        }
        application.kill();
        LOG.info("Kill {} with {} requests answered", kill + 1, run.answered());
      }
      ServeProcess last = run.launch();
      run.awaitProgress(last);
      run.drain(last);
      Duration exit = run.terminate(last);
      Verdict verdict = run.verdict();
      LOG.info("{} ({} ms from SIGTERM to the end)", verdict, exit.toMillis());
      enter(seed, verdict, run.longestRestart(), Duration.between(start, Instant.now()));
      assertThat(verdict).as("%s", verdict).matches(Verdict::isExactlyOnce);
      assertThat(run.tornCommits()).isEmpty();
    }
  }

  private static void enter(long seed, Verdict verdict, Duration restart, Duration wall)
      throws Exception {
    String row =
        "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f%n"
            .formatted(
                seed,
                SETTINGS.protocol(),
                verdict.requests(),
                SETTINGS.kills(),
                verdict.lost().size(),
                verdict.duplicated().size(),
                verdict.unexpected().size(),
                verdict.misordered().size(),
                verdict.wrong().size(),
                restart.toMillis() / 1e3,
                wall.toMillis() / 1e3);
    Files.writeString(TABLE, row, StandardOpenOption.APPEND);
  }
}
