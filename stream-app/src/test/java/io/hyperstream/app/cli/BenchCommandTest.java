package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Samples;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
    assertThat(run.err())
        .contains(
            "not measured cleanly: gemm.plain shape=832x384x1536: its repetitions spread by",
            "not measured cleanly: gemm.packed shape=13x384x1536, of gemm.packed.bare: its");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a file that cannot be written is told before anything is measured or started")
  @ValueSource(
      strings = {
        "bench gemm",
        "bench engine",
        "bench adapters",
        "bench labels",
        "bench train",
        "bench pipeline",
        "demo"
      })
  void notWritable(String command, @TempDir Path folder) throws Exception {
    Path nowhere = folder.resolve("none").resolve("x.json");
    Path file = Files.writeString(folder.resolve("file"), "as it was");
    Path below = file.resolve("x.json"); // refused to root as well
    Map<Path, String> wrong =
        Map.of(
            nowhere, "--json: cannot write " + nowhere + ": its folder does not exist",
            folder, "--json: expected a file, but " + folder + " is a folder",
            below, "--json: cannot write " + below + ": Not a directory");

    wrong.forEach(
        (json, message) -> {
          CommandRun run = CommandRun.of((command + " --json " + json).split(" ", -1));

          assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.USAGE);
          assertThat(run.err()).contains(message);
          assertThat(run.out()).isEmpty();
        });
  }

  @Test
  @DisplayName("checking a file leaves what is in it, and makes none")
  void checked(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("rows.json"), "of the last run");

    JsonFile.check(file);
    JsonFile.check(folder.resolve("new.json"));
    JsonFile.check(null);

    assertThat(file).hasContent("of the last run");
    assertThat(folder.resolve("new.json")).doesNotExist();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  @DisplayName("a disk that fills up while the rows are written: which option, which file, why")
  void full() {
    Path full = Path.of("/dev/full");

    JsonFile.check(full); // a device tells only when it is written to
    assertThatThrownBy(() -> JsonFile.write(full, Map.of("rows", 1)))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("--json: /dev/full could not be written: No space left on device");
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
  @DisplayName("ONNX Runtime is no part of the application: where it was expected, what builds it")
  @CsvSource({"bench engine --against onnxruntime", "bench pipeline --against plain-consumer"})
  void notBuilt(String line) {
    CommandRun run = CommandRun.of(line.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err())
        .contains("expected onnx-bench-*.jar in " + Path.of("target", "bench").toAbsolutePath())
        .contains("`mvn -ntp -q -DskipTests -Pbench package`");
  }

  @Test
  @DisplayName("an unknown model is told before a cluster is started or asked")
  void unknownModel(@TempDir Path folder) {
    CommandRun run =
        CommandRun.of(
            "bench",
            "pipeline",
            "--model=nosuch",
            "--model-dir=" + folder,
            "--bootstrap-servers=127.0.0.1:1",
            "--schema-registry-url=http://127.0.0.1:1",
            "--command-config=" + folder.resolve("none.properties")); // read before it connects

    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains("nosuch").doesNotContain("none.properties");
  }

  @Test
  @DisplayName("--help says against what, on which texts, and how to build it")
  void help() {
    assertThat(CommandRun.of("bench", "engine", "--help").out())
        .contains("--against=PROGRAM", "--texts=FILE", "--rows, --batch=N", "--seq, --length=N")
        .contains("hyperstream bench engine --against onnxruntime")
        .contains("-Pbench");
    assertThat(CommandRun.of("bench", "pipeline", "--help").out())
        .contains("hyperstream bench pipeline --against plain-consumer", "-Pbench");
    assertThat(CommandRun.of("bench", "--help").out()).doesNotContain("\n  plain-consumer");
  }

  @Test
  @DisplayName("a row says its ratio with the least and the largest of a round, and tiny numbers")
  void line() {
    BenchRow row = BenchRow.of("ours", Map.of("threads", 2), Samples.of(10, 30, 20), "texts/s");

    assertThat(BenchOptions.line(row.comparedTo("theirs", Samples.of(0.5, 0.75, 0.625))))
        .startsWith("ours ")
        .contains(" 20.0 texts/s ", "± 20 %", "0.625 of theirs (0.500..0.750)", "threads=2");
    assertThat(BenchOptions.line(row.withRatio("theirs", 2)))
        .contains("2.000 of theirs ")
        .doesNotContain("..");
    assertThat(BenchOptions.line(BenchRow.counted("difference", Map.of(), 2.4e-7, "at most")))
        .contains(" 2.4e-07 at most");
    assertThat(BenchOptions.described(OptionalDouble.of(0.123)))
        .isEqualTo("12 % of the processors' time");
    assertThat(BenchOptions.doubt(OptionalDouble.of(0.123)).orElseThrow())
        .isEqualTo("others had 12 % of the processors' time, at most 5 % is allowed; stop them");
    assertThat(BenchOptions.doubt(OptionalDouble.of(0.05))).isEmpty();
    assertThat(BenchOptions.described(OptionalDouble.empty())).isEqualTo("unknown");
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
        "bench engine --texts texts.txt | --texts goes with --against",
        "bench engine --against tvm | expected onnxruntime, got tvm",
        "bench engine --against onnxruntime --labels 3 | --labels does not go with --against",
        "bench engine --against onnxruntime --texts t.txt --length 8 | leave out --seq",
        "bench engine --model bge-small --seq 513 | seq must be 3 to 512; it is 513",
        "bench pipeline --rounds 0 | --rounds must be 1 to 1000; it is 0",
        "bench pipeline --seconds 0 | --seconds must be 0.1 to 3600; it is 0",
        "bench pipeline --bootstrap-servers a:1 | --schema-registry-url go together",
        "bench pipeline --tasks t.yaml | --tasks goes with --texts",
        "bench pipeline --against commit-interval | KEY=VALUE",
        "bench pipeline --against =1 | takes KEY=VALUE or plain-consumer, got '=1'",
        "bench pipeline --against plain-consumer --against a=b | goes with no other --against",
      })
  void usage(String line, String message) {
    CommandRun run = CommandRun.of(line.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains(message);
  }
}
