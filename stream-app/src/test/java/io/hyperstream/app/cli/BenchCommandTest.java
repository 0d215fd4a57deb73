package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("hyperstream bench")
class BenchCommandTest {

  @Test
  @DisplayName("prints one JSON object per measurement, the ratio beside what it is held against")
  void json() throws Exception {
    CommandRun run =
        CommandRun.of(
            "bench",
            "engine",
            "--rows=2",
            "--source-length=4",
            "--tasks=2",
            "--rounds=1",
            "--threads=1",
            "--json");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    List<String> lines = run.out().lines().toList();
    assertThat(lines).hasSize(6);
    JsonNode flops = new ObjectMapper().readTree(lines.get(1));
    assertThat(flops.path("bench").asText()).isEqualTo("engine.gflops");
    assertThat(flops.path("ratioTo").asText()).isEqualTo("gemm");
    assertThat(flops.path("ratio").asDouble()).isPositive();
    assertThat(flops.path("config").path("model").asText()).isEqualTo("t5-small");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a call that cannot work exits with 2 and says what to do")
  @CsvSource(
      delimiter = '|',
      value = {
        "bench | gemm, engine or train",
        "bench gemm --rounds 0 | --rounds must be 1",
        "bench engine --model t5-huge | known are t5-small and t5-base",
        "bench engine --rows 2 --tasks 3 | tasks must be 1 to 2",
        "bench train --preset bert | there are hyperformer++,",
        "bench train --target-length 0 | target length must be 1",
        "bench engine --threads -1 | --threads must be 0",
      })
  void usage(String line, String message) {
    CommandRun run = CommandRun.of(line.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains(message);
  }
}
