package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A model that serves and trains")
class LentModelTest {
  private static final TaskDefinition TASK =
      TaskDefinition.classification("mood", List.of("good", "bad"));

  @TempDir private Path folder;
  private MultiTaskModel serving;

  @BeforeEach
  void open() throws Exception {
    StoredModel stored = StarterModel.install(new FileModelStore(folder));
    serving = MultiTaskModel.open(stored, ModelOptions.DEFAULT);
  }

  private static double[][] train(FewShotModel model, String text) {
    return model.predict(TASK, model.startingAdapter(TASK), List.of(Example.of(text, "good")));
  }

  private boolean loaded() {
    return serving.loaded().family().backbone().manager().isOpen();
  }

  @Test
  @DisplayName("has its weights once")
  void once() {
    try (FewShotModel training = FewShotModel.beside(serving)) {
      assertThat(training.backbone()).isSameAs(serving.loaded().family().backbone());
      train(training, "a fine day");
    }
    assertThat(loaded()).isTrue();
    serving.close();
    assertThat(loaded()).isFalse();
  }

  @Test
  @DisplayName("frees them when the last of both is closed")
  void last() {
    FewShotModel training = FewShotModel.beside(serving);
    double[][] before = train(training, "a fine day");
    serving.close();
    assertThat(loaded()).isTrue();
    assertThat(train(training, "a fine day")).isDeepEqualTo(before);
    assertThatThrownBy(() -> serving.predict(List.of())).isInstanceOf(IllegalStateException.class);
    training.close();
    assertThat(loaded()).isFalse();
    assertThatThrownBy(() -> FewShotModel.beside(serving))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  @DisplayName("answers both threads at a time as it answers each alone")
  void sideBySide() {
    try (FewShotModel training = FewShotModel.beside(serving)) {
      List<String> texts =
          List.of("a fine day", "nothing works", "we laughed for an hour", "rain again");
      List<double[][]> alone = texts.stream().map(text -> train(training, text)).toList();
      var row = serving.prepare(TASK, serving.startingAdapter(TASK), "so so", Optional.empty());
      float served = ((TaskPrediction) serving.predict(List.of(row)).get(0)).score();
      CompletableFuture<Void> trainer =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 40; i++) {
                  assertThat(train(training, texts.get(i % 4))).isDeepEqualTo(alone.get(i % 4));
                }
              });
      for (int i = 0; i < 40 || !trainer.isDone(); i++) {
        TaskPrediction again = (TaskPrediction) serving.predict(List.of(row)).get(0);
        assertThat(again.score()).isEqualTo(served);
      }
      trainer.join();
    }
    serving.close();
  }
}
