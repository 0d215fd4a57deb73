package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("hyperstream bench")
class BenchCommandTest {

  @Test
  @DisplayName("prints a table and writes the same rows as JSON, with the machine")
  void json(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("engine.json");

    CommandRun run =
        CommandRun.of(
            "bench",
            "engine",
            "--batch=2",
            "--seq=4",
            "--tasks=2",
            "--rounds=1",
            "--threads=1",
            "--json=" + file);

    // Whether it was quiet is the machine's business.
    assertThat(run.exitCode()).as(run.err()).isIn(ExitCodes.OK, ExitCodes.NOT_CLEAN);
    JsonNode written = new ObjectMapper().readTree(file.toFile());
    assertThat(written.path("machine").path("pytorch").asText()).isEqualTo("2.7.1");
    assertThat(written.path("machine").path("threads").asInt()).isEqualTo(1);
    assertThat(written.path("doubts").isEmpty()).isEqualTo(run.exitCode() == ExitCodes.OK);
    assertThat(run.err().contains("not measured cleanly"))
        .isEqualTo(run.exitCode() == ExitCodes.NOT_CLEAN);
    JsonNode rows = written.path("rows");
    assertThat(run.out().lines().filter(line -> !line.startsWith("#"))).hasSize(rows.size());
    JsonNode encoder = rows.get(1);
    assertThat(encoder.path("bench").asText()).isEqualTo("engine.encoder");
    assertThat(encoder.path("ratioTo").asText()).isEqualTo("gemm");
    assertThat(encoder.path("ratio").asDouble()).isPositive();
    assertThat(encoder.path("config").path("model").asText()).isEqualTo("t5-small");
  }

  @Test
  @DisplayName("a spread that nothing could stay below is told, and the exit code is 5")
  void notClean() {
    CommandRun run = CommandRun.of("bench", "gemm", "--rounds=2", "--max-spread=1e-12");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.NOT_CLEAN);
    assertThat(run.err()).contains("not measured cleanly: gemm: its repetitions spread by");
  }

  @Test
  @DisplayName(
      "real texts are put into batches by the engine's policy; tokens known from equal texts are counted")
  void texts(@TempDir Path folder) throws Exception {
    Files.writeString(
        folder.resolve("train.tsv"),
        "the kettle is on\tcalm\nwho left every single window of the house open again?\tcross\n");

    CommandRun run =
        CommandRun.of(
            "bench",
            "texts",
            "--data=" + folder,
            "--model-dir=" + folder.resolve("models"),
            "--rounds=1",
            "--threads=1");

    assertThat(run.exitCode()).as(run.err()).isIn(ExitCodes.OK, ExitCodes.NOT_CLEAN);
    assertThat(run.out()).contains("texts.rate", "texts=2", "texts.shared", "% of tokens");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a call that cannot work exits with 2 and says what to do")
  @CsvSource(
      delimiter = '|',
      value = {
        "bench | gemm, engine, adapters, labels, pipeline, texts or train",
        "bench gemm --rounds 0 | --rounds must be 1",
        "bench engine --config t5-huge | known are t5-small and t5-base",
        "bench engine --tasks 0 | tasks must be 1 to 100000",
        "bench engine --labels 1 | labels must be 2 to",
        "bench adapters --resident 0 | resident must be above 0",
        "bench labels --beams 0 | beams must be 1",
        "bench texts --data . | has no classification task",
        "bench train --preset bert | there are hyperformer++,",
        "bench train --target-length 0 | target length must be 1",
        "bench engine --threads -1 | --threads must be 0",
        "bench pipeline --rounds 0 | --rounds must be 1",
        "bench pipeline --bootstrap-servers a:1 | --schema-registry-url go together",
        "bench pipeline --tasks t.yaml | --tasks goes with --texts",
        "bench pipeline --against commit-interval | KEY=VALUE",
      })
  void usage(String line, String message) {
    CommandRun run = CommandRun.of(line.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains(message);
  }
}
