package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.testing.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MultiTaskModelMemoryTest {
  private static final int BATCHES = 2_000;
  private static final int WARM = 500;

  @TempDir Path store;

  private static TaskDefinition task(String taskId, TaskKind kind, LabelScoring scoring) {
    return new TaskDefinition(
        taskId,
        kind,
        kind == TaskKind.CLASSIFICATION ? List.of(Label.of("pros"), Label.of("cons")) : List.of(),
        Template.SINGLE,
        Template.PAIR,
        "",
        OverLengthPolicy.TRUNCATE,
        scoring,
        List.of());
  }

  @Test
  @DisplayName("over 2,000 batches of all kinds, memory and live tensors stay flat")
  void flatOver2000Batches() throws IOException {
    StoredModel tiny = TinyModel.publish(store, "", TinyModel.HYPERFORMER_PLUS_PLUS);
    List<TaskDefinition> tasks =
        List.of(
            task("one", TaskKind.CLASSIFICATION, LabelScoring.EXACT),
            task("two", TaskKind.CLASSIFICATION, LabelScoring.EXACT),
            task("three", TaskKind.CLASSIFICATION, LabelScoring.TRIE_BEAM),
            task("four", TaskKind.GENERATION, LabelScoring.EXACT));
    // A budget of about three tasks, so that adapters come and go as well.
    ModelOptions options =
        ModelOptions.DEFAULT.withAdapterBudgetBytes(8 << 10).withMaxTargetTokens(4);
    try (MultiTaskModel model = MultiTaskModel.open(tiny, options)) {
      Random random = new Random(5);
      long nativeWarm = 0;
      int arraysWarm = 0;
      for (int batch = 0; batch < BATCHES; batch++) {
        if (batch == WARM) {
          nativeWarm = ProcessMemory.nativeBytes();
          arraysWarm = model.liveArrays();
        }
        List<PreparedRow> rows = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(6); i++) {
          TaskDefinition task = tasks.get(random.nextInt(tasks.size()));
          TaskAdapter adapter =
              new TaskAdapter(task.taskId(), 1, TinyModel.embedding(random.nextInt(20)));
          String text = "word ".repeat(1 + random.nextInt(60));
          rows.add(model.prepare(task, adapter, text, Optional.empty()));
        }
        assertThat(model.predict(rows)).hasSameSizeAs(rows);
      }
      assertThat(model.liveArrays()).isEqualTo(arraysWarm);
      assertThat(model.adapterStats().evictions()).isGreaterThan(700);
      assertThat(ProcessMemory.nativeBytes() - nativeWarm).isLessThan(16L << 20); // 11 KB a batch
    }
  }

  @Test
  @DisplayName("a tiny adapter budget changes nothing but speed")
  void evictionDoesNotChangeResults() throws IOException {
    try (Starter roomy = new Starter(store, ModelOptions.DEFAULT);
        Starter tiny = new Starter(store, ModelOptions.DEFAULT.withAdapterBudgetBytes(0))) {
      List<String> tasks = new ArrayList<>(roomy.tasks.keySet());
      for (int round = 0; round < 2; round++) {
        for (int from = 0; from + 3 <= tasks.size(); from += 3) {
          List<PreparedRow> rows = new ArrayList<>();
          for (String task : tasks.subList(from, from + 3)) {
            rows.add(roomy.row(task, "how do I get there"));
          }
          List<RowResult> expected = roomy.model.predict(rows);
          List<RowResult> actual = tiny.model.predict(rows);
          for (int i = 0; i < rows.size(); i++) {
            assertThat(((TaskPrediction) actual.get(i)).distribution())
                .isEqualTo(((TaskPrediction) expected.get(i)).distribution());
          }
        }
      }
      assertThat(roomy.model.adapterStats().misses()).isEqualTo(18);
      assertThat(tiny.model.adapterStats().misses()).isEqualTo(36);
      assertThat(tiny.model.adapterStats().evictions()).isGreaterThan(30);
    }
  }

  @Test
  @DisplayName("ten thousand tasks that are not served cost their embeddings only")
  void coldTasksAreCheap() throws IOException {
    try (Starter starter = new Starter(store, ModelOptions.DEFAULT)) {
      TaskDefinition definition = starter.tasks.get("pros_cons");
      starter.predict(starter.row("pros_cons", "nice"));
      long resident = starter.model.adapterStats().residentBytes();
      int arrays = starter.model.liveArrays();
      List<PreparedRow> rows = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        float[] embedding = new float[64];
        embedding[i % 64] = i;
        TaskAdapter adapter = new TaskAdapter("t" + i, 1, new AdapterForm.Embedding(embedding));
        rows.add(starter.model.prepare(definition, adapter, "nice", Optional.empty()));
      }
      assertThat(rows).hasSize(10_000);
      assertThat(starter.model.adapterStats().residentBytes()).isEqualTo(resident);
      assertThat(starter.model.liveArrays()).isEqualTo(arrays);
    }
  }

  @Test
  @DisplayName("what can be said of the starter without loading it agrees with what is loaded")
  void inspection() throws IOException {
    try (Starter starter = new Starter(store, ModelOptions.DEFAULT)) {
      ModelInspection inspection = ModelInspection.of(starter.stored);
      starter.predict(starter.row("pros_cons", "nice"));
      assertThat(inspection.bytesPerResidentTask())
          .isEqualTo(starter.model.adapterStats().residentBytes());
      assertThat(inspection.bytesPerColdTask()).isEqualTo(256);
      assertThat(inspection.parameters().tasks()).isEqualTo(18);
      assertThat(inspection.shape().width()).isEqualTo(256);
      assertThat(inspection.tasks()).hasSize(18);
    }
  }
}
