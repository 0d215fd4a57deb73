package io.hyperstream.model.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a program that always makes the same vector; a real one is in onnx-bench. */
@DisplayName("The engine against another program")
class AgainstBenchTest {
  @TempDir static Path folder;
  private static StoredModel model;

  @BeforeAll
  static void install() throws IOException {
    model = ShippedModel.BGE_SMALL.install(new FileModelStore(folder));
  }

  /**
   * @param shapes texts and tokens of the longest, of each batch
   */
  private record Constant(boolean exact, List<String> shapes) implements OpponentFactory, Opponent {
    @Override
    public String name() {
      return "constant";
    }

    @Override
    public List<String> formats(String of) {
      if (!of.equals("bge-small")) {
        throw new IllegalArgumentException("constant has no " + of);
      }
      return List.of("float32");
    }

    @Override
    public Opponent open(String of, String format, int threads) {
      return this;
    }

    @Override
    public String about() {
      return "a constant";
    }

    @Override
    public float[][] encode(List<int[]> ids) {
      shapes.add(ids.size() + " x " + ids.stream().mapToInt(row -> row.length).max().orElse(0));
      float[][] vectors = new float[ids.size()][384];
      for (float[] vector : vectors) {
        vector[0] = 1;
      }
      return vectors;
    }

    @Override
    public void close() {
      shapes.add("closed");
    }
  }

  private static AgainstBench.Options options(Constant constant, List<String> texts) {
    return new AgainstBench.Options(model, constant, texts, 2, 6, 1, 0, "f32");
  }

  @Test
  @DisplayName("a program that makes other numbers than it should fails the run, untimed")
  void disagreement() {
    Constant constant = new Constant(true, new ArrayList<>());

    assertThatThrownBy(() -> AgainstBench.run(options(constant, List.of("a cup of tea"))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("vectors of constant and of the engine differ by")
        .hasMessageContaining("at most 2e-05 is allowed")
        .hasMessageContaining("nothing was timed");
    assertThat(constant.shapes()).containsExactly("1 x 6", "closed");
  }

  @Test
  @DisplayName("one that is not expected to agree is timed, and the difference told")
  void inexact() throws IOException {
    Constant constant = new Constant(false, new ArrayList<>());

    List<BenchRow> rows =
        AgainstBench.run(
            options(constant, List.of("the rain did not stop all day", "tea", "two cups of tea")));

    assertThat(rows)
        .filteredOn(row -> row.bench().equals("constant.difference"))
        .singleElement()
        .satisfies(row -> assertThat(row.value()).isGreaterThan(0.5));
    assertThat(rows)
        .filteredOn(row -> row.bench().equals("engine.embed"))
        .singleElement()
        .satisfies(
            row -> {
              assertThat(row.ratioTo()).isEqualTo("constant");
              assertThat(row.config()).containsEntry("texts", 3).containsEntry("batch", 2);
            });
    // Shortest first, two at a time: compared, warmed up, one round.
    assertThat(constant.shapes())
        .containsExactly("2 x 6", "1 x 9", "2 x 6", "1 x 9", "2 x 6", "1 x 9", "closed");
  }

  @Test
  @DisplayName("a model the program does not have is refused before anything is loaded")
  void otherModel() {
    StoredModel other = new StoredModel("mine", 1, model.directory(), model.manifest());
    Constant constant = new Constant(true, new ArrayList<>());

    assertThatThrownBy(
            () -> new AgainstBench.Options(other, constant, List.of(), 2, 6, 1, 0, "f32"))
        .hasMessage("constant has no mine");
    assertThatThrownBy(
            () ->
                AgainstBench.run(
                    new AgainstBench.Options(model, constant, List.of(), 2, 600, 1, 0, "f32")))
        .hasMessage("seq must be at most 512 with this model; it is 600");
  }

  @Test
  @DisplayName("batches hold every row once, sorted, within rows and tokens")
  void batches() {
    TaskDefinition task =
        BenchModel.definition(
            "t", List.of(Label.of("a"), Label.of("b")), LabelScoring.EXACT, List.of());
    List<PreparedRow> rows =
        new Random(4)
            .ints(100, 1, 40)
            .mapToObj(n -> new PreparedRow(task, BenchModel.bare(0), new int[n], false))
            .toList();

    List<List<PreparedRow>> batches = Batches.byLength(rows, 8, 120);

    assertThat(batches.stream().flatMap(List::stream)).containsExactlyInAnyOrderElementsOf(rows);
    assertThat(batches.stream().flatMap(List::stream).map(PreparedRow::tokens)).isSorted();
    assertThat(batches)
        .allSatisfy(
            batch -> {
              assertThat(batch).hasSizeLessThanOrEqualTo(8);
              assertThat(batch.size() * batch.get(batch.size() - 1).tokens())
                  .isLessThanOrEqualTo(120);
            });
    // As large as allowed: the next row would not have fitted.
    assertThat(IntStream.range(0, batches.size() - 1))
        .allMatch(
            i ->
                batches.get(i).size() == 8
                    || (batches.get(i).size() + 1) * batches.get(i + 1).get(0).tokens() > 120);
    assertThat(Batches.byLength(rows.subList(0, 1), 8, 1)).hasSize(1);
    assertThat(Batches.byLength(List.of(), 8, 120)).isEmpty();
  }
}
