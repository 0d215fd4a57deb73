package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LabelHead.LabelVectors;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.task.TaskDefinition;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Decoding")
class DecodingTest {
  private static final TaskDefinition TASK =
      TaskDefinition.classification("mood", List.of("glad", "sad"));

  private final List<Integer> scored = new ArrayList<>(); // rows of each call

  @Test
  @DisplayName("asks for the model's own scores only where they count")
  void skipsScores() {
    TaskRow vectorsAlone = row(0, head(0));
    TaskRow both = row(1, head(1));
    TaskRow untaught = row(2, Optional.empty());
    float[][] vectors = {{3}, {3}, {3}};
    ReadoutBatch batch =
        new ReadoutBatch(List.of(TASK, TASK, TASK), List.of(), vectors, AdapterHook.NONE);
    RowResult[] results = new RowResult[3];

    new Decoding(model()).answer(List.of(vectorsAlone, both, untaught), batch, results);

    assertThat(scored).containsExactly(2);
    // The vectors say glad, by e^3 to e^-3; the model's own scores say sad by 10.
    assertThat(((TaskPrediction) results[0]).label()).contains("glad");
    assertThat(((TaskPrediction) results[0]).score())
        .isCloseTo((float) (1 / (1 + Math.exp(-6))), org.assertj.core.api.Assertions.within(1e-3f));
    assertThat(((TaskPrediction) results[1]).label()).contains("sad");
    assertThat(((TaskPrediction) results[2]).label()).contains("sad");
  }

  @Test
  @DisplayName("gives no label below the task's score, and what it would have weighed")
  void abstains() {
    TaskDefinition careful =
        new TaskDefinition(
            "mood",
            TASK.kind(),
            TASK.labels(),
            TASK.template(),
            TASK.templatePair(),
            "",
            TASK.overLength(),
            TASK.scoring(),
            List.of(),
            0.9);
    TaskPrediction unsure = answer(careful, 0.5f); // e^0.5 to e^-0.5
    assertThat(unsure.label()).isEmpty();
    assertThat(unsure.abstained()).contains("score 0.73 < 0.9");
    assertThat(unsure.distribution()).hasSize(2);
    assertThat(unsure.score()).isEqualTo(unsure.distribution()[0]);
    assertThat(unsure.margin().getAsDouble())
        .isCloseTo(2 * unsure.score() - 1, org.assertj.core.api.Assertions.within(1e-6));
    TaskPrediction sure = answer(careful, 3);
    assertThat(sure.label()).contains("glad");
    assertThat(sure.abstained()).isEmpty();
    assertThat(answer(TASK, 0.5f).label()).contains("glad");
  }

  private TaskPrediction answer(TaskDefinition task, float vector) {
    RowResult[] results = new RowResult[1];
    TaskRow row = row(0, head(0));
    List<TaskRow> rows =
        List.of(
            new TaskRow(
                0,
                new PreparedRow(task, row.row().adapter(), new int[] {1}, false),
                row.weights()));
    float[][] vectors = {{vector}};
    new Decoding(model())
        .answer(
            rows, new ReadoutBatch(List.of(task), List.of(), vectors, AdapterHook.NONE), results);
    return (TaskPrediction) results[0];
  }

  private static Optional<LabelHead> head(double decoderWeight) {
    return Optional.of(
        new LabelHead(
            new float[] {0},
            List.of(
                new LabelVectors("glad", new float[] {1}, 0, new int[0], new float[0], 0),
                new LabelVectors("sad", new float[] {-1}, 0, new int[0], new float[0], 0)),
            false,
            decoderWeight,
            1,
            0,
            Optional.empty()));
  }

  private static TaskRow row(int index, Optional<LabelHead> head) {
    TaskAdapter adapter = new TaskAdapter("mood", index, new AdapterForm.None(), head);
    PreparedRow row = new PreparedRow(TASK, adapter, new int[] {1}, false);
    return new TaskRow(index, row, AdapterWeights.NONE);
  }

  private FamilyModel model() {
    LabelReadout readout =
        fake(
            LabelReadout.class,
            (method, arguments) -> {
              ReadoutBatch batch = (ReadoutBatch) arguments[0];
              scored.add(batch.rows());
              double[][] scores = new double[batch.rows()][];
              java.util.Arrays.setAll(scores, i -> new double[] {-10, 0});
              return scores;
            });
    RowEncoder encoder = fake(RowEncoder.class, (method, arguments) -> arguments[0]);
    return fake(
        FamilyModel.class,
        (method, arguments) ->
            switch (method) {
              case "labels" -> readout;
              case "rows" -> encoder;
              default -> Optional.empty();
            });
  }

  private interface Answer {
    Object to(String method, Object[] arguments);
  }

  private static <T> T fake(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> answer.to(method.getName(), arguments)));
  }
}
