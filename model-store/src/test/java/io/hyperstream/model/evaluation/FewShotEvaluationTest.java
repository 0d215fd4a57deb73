package io.hyperstream.model.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrainer.Part;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The few-shot protocol")
class FewShotEvaluationTest {
  private static final List<String> TRAIN =
      List.of(
          "the soup is hot\tfood",
          "chop the onions\tfood",
          "the train is late\ttravel",
          "book a flight\ttravel",
          "bake the bread\tfood",
          "the bus stop is far\ttravel");
  private static final List<String> TEST =
      List.of("onions in the soup\tfood", "the flight is late\ttravel");

  @TempDir Path folder;

  @Test
  @DisplayName("runs every shot, seed and method, on fixed rows where the folder names them")
  void runs() throws Exception {
    write("task.json", "{\"name\":\"topics\",\"labels\":[\"food\",\"travel\"]}");
    write("train.tsv", String.join("\n", TRAIN));
    write("test.tsv", String.join("\n", TEST));
    write("fewshot.json", "{\"k\":{\"1\":{\"0\":[0,2],\"1\":[1,3]}}}");
    var store = new FileModelStore(folder.resolve("store"));
    List<String> lines = new ArrayList<>();
    List<String> notes = new ArrayList<>();

    try (FewShotModel model = FewShotModel.open(StarterModel.install(store))) {
      FewShotEvaluation evaluation = new FewShotEvaluation(model);
      TaskFolder task = TaskFolder.open(folder);
      var options =
          new FewShotEvaluation.Options(
              List.of(1, 2), 2, List.of(Method.PROTOTYPES), false, 100, Set.of(), List.of());
      List<FewShotEvaluation.Run> runs =
          evaluation.run(task, options, run -> lines.add(run.toJson()), notes::add);

      assertThat(runs).hasSize(4);
      assertThat(runs).extracting(FewShotEvaluation.Run::shots).containsExactly(1, 1, 2, 2);
      assertThat(runs)
          .extracting(run -> run.report().orElseThrow().examples())
          .containsExactly(2, 2, 4, 4);
      JsonNode json = new ObjectMapper().readTree(lines.get(0));
      assertThat(json.fieldNames())
          .toIterable()
          .containsExactly(
              "taskId",
              "method",
              "shots",
              "seed",
              "metric",
              "zeroShot",
              "score",
              "calibrationError",
              "seconds");
      assertThat(json.path("method").asText()).isEqualTo("prototypes");
      assertThat(json.path("score").asDouble(-1)).isBetween(0.0, 1.0);

      FewShotEvaluation.Run states =
          evaluation.run(task, parts(Part.DECODER, Part.WORDS), run -> {}, notes::add).get(0);
      assertThat(states.method()).isEqualTo("prototypes-decoder-words");
      assertThat(states.report().orElseThrow().decoderWeight()).isZero();
      assertThat(states.report().orElseThrow().pooledWeight()).isPositive();
      assertThat(states.report().orElseThrow().lexicalWeight()).isZero();

      List<Example> strangers =
          List.of(Example.of("the server crashed again", "?"), Example.of("sell my shares", "?"));
      FewShotEvaluation.Run told =
          evaluation
              .run(
                  task,
                  new FewShotEvaluation.Options(
                      List.of(2), 1, List.of(Method.PROTOTYPES), false, 100, Set.of(), strangers),
                  run -> {},
                  notes::add)
              .get(0);
      assertThat(told.outOfScope().orElseThrow()).isBetween(0.0, 1.0);
      assertThat(told.toJson()).contains("\"outOfScope\":");

      write("fewshot.json", "{\"k\":{\"1\":{\"0\":[99]}}}");
      assertThatThrownBy(() -> evaluation.run(task, options, run -> {}, notes::add))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("names row 99");
    }
  }

  @Test
  @DisplayName("the area under the ROC curve counts pairs in the right order, ties by half")
  void areaUnderRoc() {
    double[] larger = {0.9, 0.5, 0.2};
    double[] smaller = {0.5, 0.1};
    assertThat(FewShotEvaluation.areaUnderRoc(larger, smaller)).isEqualTo(4.5 / 6);
    assertThat(FewShotEvaluation.areaUnderRoc(new double[] {Double.NaN}, smaller)).isNaN();
  }

  private static FewShotEvaluation.Options parts(Part... without) {
    return new FewShotEvaluation.Options(
        List.of(2), 1, List.of(Method.PROTOTYPES), false, 100, Set.of(without), List.of());
  }

  @Test
  @DisplayName("something must be left to answer, and only mixtures have parts")
  void partsThatCannotBeLeftOut() {
    assertThatThrownBy(() -> parts(Part.values())).hasMessageContaining("must stay");
    assertThatThrownBy(
            () ->
                new FewShotEvaluation.Options(
                    List.of(1),
                    1,
                    List.of(Method.EMBEDDING),
                    false,
                    1,
                    Set.of(Part.WORDS),
                    List.of()))
        .hasMessageContaining("not [embedding]");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }
}
