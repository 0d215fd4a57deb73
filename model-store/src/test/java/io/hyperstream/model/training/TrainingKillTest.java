package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A training process that is killed")
class TrainingKillTest {
  @TempDir Path folder;

  @Test
  @DisplayName("goes on to the same metrics, state and model, byte for byte")
  void killed() throws Exception {
    Path straight = folder.resolve("straight");
    assertThat(steps(straight, Integer.MAX_VALUE)).hasSize(60).startsWith(1);

    Path killed = folder.resolve("killed");
    List<Integer> first = steps(killed, 17);
    List<Integer> second = steps(killed, 44);
    List<Integer> third = steps(killed, Integer.MAX_VALUE);

    // Each start goes on after a saved state, which is at most three steps behind the kill.
    assertThat(second.get(0)).isBetween(first.get(first.size() - 1) - 2, 18);
    assertThat(third.get(0)).isGreaterThan(second.get(0));
    assertThat(third).endsWith(60);
    List<String> files = files(straight);
    assertThat(files)
        .contains(
            "state.safetensors",
            "best.safetensors",
            "metrics.jsonl",
            "model/backbone/model.safetensors",
            "model/hypernetwork/hypernetwork.safetensors");
    assertThat(files(killed)).isEqualTo(files);
    for (String file : files) {
      assertThat(killed.resolve(file)).as(file).hasSameBinaryContentAs(straight.resolve(file));
    }
  }

  /**
   * Runs the process until it says a step, then kills it as {@code kill -9} does.
   *
   * @return the steps it said
   */
  private static List<Integer> steps(Path run, int killAt) throws Exception {
    List<String> command = ChildJvm.command();
    command.addAll(List.of("-Dai.djl.offline=true", "-DOPT_OUT_TRACKING=true"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(TrainingProcess.class.getName(), run.toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<Integer> said = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith("step ")) {
          said.add(Integer.valueOf(line.substring("step ".length())));
          if (said.get(said.size() - 1) == killAt) {
            break;
          }
        }
      }
    } finally {
      boolean ended = killAt == Integer.MAX_VALUE;
      if (!ended) {
        process.destroyForcibly();
      }
      int status = process.waitFor();
      assertThat(status == 0).as("exit status %d", status).isEqualTo(ended);
    }
    return said;
  }

  private static List<String> files(Path run) throws IOException {
    try (Stream<Path> all = Files.walk(run)) {
      return all.filter(Files::isRegularFile)
          .map(file -> run.relativize(file).toString())
          .filter(file -> !file.endsWith(".tmp"))
          .sorted()
          .toList();
    }
  }
}
