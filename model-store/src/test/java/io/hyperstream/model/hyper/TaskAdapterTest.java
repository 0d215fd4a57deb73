package io.hyperstream.model.hyper;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.model.prototype.LabelHead;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A version of a task's adapters")
class TaskAdapterTest {
  private static final AdapterForm OWN = new AdapterForm.Embedding(new float[] {1, 2});
  private static final AdapterForm OF_THE_START = new AdapterForm.Embedding(new float[0]);
  private static final Optional<LabelHead> HEAD =
      Optional.of(
          new LabelHead(
              new float[2],
              List.of(
                  new LabelHead.LabelVectors(
                      "good", new float[] {1, 2}, 0, new int[0], new float[0], 0)),
              true,
              1,
              2,
              3,
              Optional.empty()));

  private static TaskAdapter published(AdapterForm form, Optional<LabelHead> head) {
    return new TaskAdapter("desk", 3, form, head);
  }

  @Test
  @DisplayName("is taught if it was published with something of its own, whatever it starts from")
  void taught() {
    AdapterForm weights = new AdapterForm.Weights(Path.of("some.safetensors"));
    for (AdapterForm start : List.of(OWN, new AdapterForm.None(), new AdapterForm.Named("known"))) {
      TaskAdapter zero = new TaskAdapter("desk", 0, start);
      assertThat(zero.taught()).isFalse();
      assertThat(zero.orStart(zero).taught()).isFalse();
      assertThat(published(OWN, Optional.empty()).orStart(zero).taught()).isTrue();
      assertThat(published(weights, Optional.empty()).orStart(zero).taught()).isTrue();
      assertThat(published(OF_THE_START, HEAD).orStart(zero).taught()).isTrue();
      TaskAdapter again = published(OF_THE_START, Optional.empty()).orStart(zero);
      assertThat(again.form()).isEqualTo(start);
      assertThat(again.taught()).isFalse();
    }
  }
}
