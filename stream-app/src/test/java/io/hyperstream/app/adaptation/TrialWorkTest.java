package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.schemas.AdapterVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A trial over the default encoder")
class TrialWorkTest {
  @TempDir static Path folder;

  private static final List<Example> EXAMPLES =
      List.of(
          Example.of("the kettle boils over", "kitchen"),
          Example.of("weeds grow between the roses", "garden"),
          Example.of("chop the onions", "kitchen"),
          Example.of("rake the leaves", "garden"),
          Example.of("the oven smokes", "kitchen"),
          Example.of("water the lawn at night", "garden"));

  private static FileModelStore store;
  private static StoredModel stored;
  private static MultiTaskModel serving;

  @BeforeAll
  static void open() throws Exception {
    store = new FileModelStore(folder.resolve("store"));
    stored = ShippedModel.BGE_SMALL.install(store);
    serving = MultiTaskModel.open(stored, ModelOptions.DEFAULT);
  }

  @AfterAll
  static void close() {
    serving.close();
  }

  /** A trainer that knows nothing yet, as after a restart. */
  private static TrainingOutcome run(TrainingJob job) throws Exception {
    AdapterFiles files = new AdapterFiles(folder.resolve("champions"), Duration.ZERO);
    VersionCodec versions = new VersionCodec(files, store);
    TrialWork work =
        new TrialWork(
            new TrialWork.Model(stored, Optional.of(serving), ModelOptions.DEFAULT, 1),
            versions,
            files);
    try {
      return work.run(job, () -> false);
    } finally {
      work.close();
    }
  }

  private static TrainingJob job(Map<Example, StoredVector> vectors) {
    TaskDefinition task = TaskDefinition.classification("place", List.of("kitchen", "garden"));
    return new TrainingJob(
        "place",
        "job",
        Kind.ADAPT,
        task,
        Optional.empty(),
        List.of(),
        EXAMPLES,
        Collections.nCopies(EXAMPLES.size(), false),
        List.of(),
        vectors,
        Method.AUTO,
        true,
        Optional.empty(),
        7);
  }

  private static AdapterVersion version(TrainingOutcome outcome) {
    AdapterVersion version = ((Judged) outcome.result()).candidate().orElseThrow();
    return AdapterVersion.newBuilder(version).setCreatedAt(Instant.EPOCH).build();
  }

  @Test
  @DisplayName("from the vectors of an earlier one makes the same version, and none anew")
  void again() throws Exception {
    TrainingOutcome first = run(job(Map.of()));
    assertThat(first.vectors()).containsOnlyKeys(EXAMPLES);
    assertThat(first.vectors().values())
        .allMatch(vector -> vector.getModelId().equals(stored.modelId()))
        .allMatch(
            vector -> ((Judged) first.result()).start().equals(Optional.of(vector.getStart())))
        .allMatch(vector -> vector.getValues().remaining() == 2 * 768);
    TrainingOutcome second = run(job(first.vectors()));
    assertThat(second.vectors()).isEmpty();
    assertThat(version(second)).isEqualTo(version(first));
    assertThat(((Judged) second.result()).after()).isEqualTo(((Judged) first.result()).after());
  }

  @Test
  @DisplayName("takes vectors of no other model, settings or start")
  void others() throws Exception {
    Map<Example, StoredVector> made = run(job(Map.of())).vectors();
    Map<Example, StoredVector> odd = new HashMap<>(made);
    odd.put(EXAMPLES.get(0), copy(made, 0).setModelId("another").build());
    odd.put(EXAMPLES.get(1), copy(made, 1).setSettings("another").build());
    odd.put(EXAMPLES.get(2), copy(made, 2).setStart("another").build());
    TrainingOutcome outcome = run(job(odd));
    assertThat(outcome.vectors()).containsOnlyKeys(EXAMPLES.subList(0, 3));
    assertThat(outcome.vectors().get(EXAMPLES.get(0)).getModelId()).isEqualTo(stored.modelId());
  }

  private static StoredVector.Builder copy(Map<Example, StoredVector> made, int example) {
    return StoredVector.newBuilder(made.get(EXAMPLES.get(example)));
  }

  @Test
  @DisplayName("leaves the model open that inference serves from")
  void servesOn() throws Exception {
    run(job(Map.of()));
    TaskDefinition task = job(Map.of()).task();
    var row = serving.prepare(task, serving.startingAdapter(task), "a pan", Optional.empty());
    assertThat(serving.predict(List.of(row))).hasSize(1);
  }
}
