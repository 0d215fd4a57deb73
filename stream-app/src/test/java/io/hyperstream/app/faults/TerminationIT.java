package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.inference.SharedCluster;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

@DisplayName("The application, stopped with SIGTERM under load")
@ExtendWith(SharedCluster.class)
class TerminationIT {
  private static final Logger LOG = LoggerFactory.getLogger(TerminationIT.class);

  @Test
  @DisplayName("ends in time with nothing half done; the next start answers the rest, once each")
  void terminated() throws Exception {
    FaultSettings settings = FaultSettings.fromSystemProperties();
    SplittableRandom random = new SplittableRandom(settings.seed());
    try (FaultRun run = new FaultRun("term", settings.seed(), 2_000, settings.application())) {
      ServeProcess first = run.launch();
      run.awaitProgress(first);
      first.run(random.nextInt(500));
      LOG.info("Under load: {} ms from SIGTERM to the end", run.terminate(first).toMillis());
      assertThat(run.tornCommits()).isEmpty();

      ServeProcess second = run.launch();
      run.awaitProgress(second);
      run.drain(second);
      LOG.info("Without load: {} ms from SIGTERM to the end", run.terminate(second).toMillis());
      assertThat(run.tornCommits()).isEmpty();
      Verdict verdict = run.verdict();
      assertThat(verdict).as("%s", verdict).matches(Verdict::isExactlyOnce);
    }
  }
}
