package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.MODEL;
import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.training.Example;
import io.hyperstream.schemas.AdaptationAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Vectors kept with a task's examples")
class KeptVectorsTest {
  @TempDir private Path folder;
  private AdaptationFixture app;

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder);
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    TrainingJob first = app.next("mood");
    assertThat(first.vectors()).isEmpty();
    app.trainer.withVectors(first, MODEL);
    app.tick();
  }

  @AfterEach
  void stop() {
    app.close();
  }

  private int kept() {
    return app.stored(FewShotProcessor.VECTORS);
  }

  private TrainingJob evaluate() {
    app.command(command("mood", AdaptationAction.EVALUATE));
    return app.next("mood");
  }

  @Test
  @DisplayName("come with the next job, each with its text")
  void comeBack() {
    assertThat(kept()).isEqualTo(4);
    app.labels("mood", 4, 5);
    TrainingJob job = evaluate();
    assertThat(job.train()).hasSize(5);
    Map<String, StoredVector> byText =
        job.vectors().entrySet().stream()
            .collect(Collectors.toMap(e -> e.getKey().text(), Map.Entry::getValue));
    assertThat(byText).hasSize(4).doesNotContainKey("text 4");
    byText.forEach(
        (text, vector) ->
            assertThat(StandardCharsets.UTF_8.decode(vector.getValues().duplicate()).toString())
                .isEqualTo(text));
    app.trainer.withVectors(job, MODEL);
    app.tick();
    assertThat(kept()).isEqualTo(5);
    assertThat(evaluate().vectors().keySet().stream().map(Example::text))
        .containsExactlyInAnyOrder("text 0", "text 1", "text 2", "text 3", "text 4");
  }

  @Test
  @DisplayName("go when a text is taken back or forgotten, all with a task that is retired")
  void go() {
    app.label("mood", "text 0", null);
    assertThat(kept()).isEqualTo(3);
    app.command(command("mood", AdaptationAction.FORGET).setText("text 1"));
    assertThat(kept()).isEqualTo(2);
    app.label("mood", "text 2", "bad");
    assertThat(kept()).isEqualTo(1);
    app.retire("mood");
    assertThat(kept()).isZero();
  }

  @Test
  @DisplayName("are erased by FORGET, also those a job brings afterwards")
  void forgotten() {
    TrainingJob job = evaluate();
    app.command(command("mood", AdaptationAction.FORGET));
    app.trainer.withVectors(job, MODEL);
    app.tick();
    assertThat(kept()).isZero();
  }

  @Test
  @DisplayName("of a job whose champion has changed are not taken")
  void outdated() {
    app.labels("mood", 4, 6);
    TrainingJob job = evaluate();
    app.command(command("mood", AdaptationAction.RESET));
    app.trainer.withVectors(job, MODEL);
    app.tick();
    assertThat(kept()).isEqualTo(4);
  }
}
