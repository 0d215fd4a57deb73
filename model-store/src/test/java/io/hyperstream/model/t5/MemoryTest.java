package io.hyperstream.model.t5;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.testing.ProcessMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Native memory")
class MemoryTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int BATCHES = 1500;
  private static final int WARM = 600; // the allocator has what it keeps

  @Test
  @DisplayName("stays flat over 1,500 batches of all shapes, generated adapters included")
  void flat() throws Exception {
    Ops.inferenceThread();
    T5Config config =
        T5Config.fromJson(
            MAPPER.readTree(
                "{\"vocab_size\":300,\"d_model\":32,\"d_kv\":8,\"d_ff\":64,\"num_heads\":4,"
                    + "\"num_layers\":2,\"feed_forward_proj\":\"gated-gelu\"}"));
    AdapterConfig adapterConfig =
        AdapterConfig.fromJson(
            MAPPER.readTree("{\"efficient_unique_hyper_net\":true,\"reduction_factor\":4}"),
            "meta-adapter",
            List.of("a"));
    Random random = new Random(1);
    try (T5 t5 = T5.load(config, new RandomWeights(1));
        AdapterFactory factory =
            AdapterFactory.load(config.shape(), adapterConfig, new RandomWeights(2))) {
      int arrays = t5.manager().getManagedArrays().size();
      long early = 0;
      for (int i = 0; i < BATCHES; i++) {
        batch(t5, factory, random, i);
        if (i == WARM) {
          early = ProcessMemory.nativeBytes();
        }
      }
      assertThat(t5.manager().getManagedArrays()).hasSize(arrays);
      long growth = ProcessMemory.nativeBytes() - early;
      assertThat(growth >> 20)
          .as("growth of native memory in MiB")
          .isLessThan(15); // 17 KiB a batch
    }
  }

  private static void batch(T5 t5, AdapterFactory factory, Random random, int i) {
    int rows = 1 + random.nextInt(9);
    int length = 1 + random.nextInt(24);
    float[] embedding = factory.taskEmbeddings().get("a");
    List<AdapterWeights> made =
        factory.generate(List.of(embedding, embedding.clone(), embedding.clone()));
    List<AdapterWeights> ofRows = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      ofRows.add(made.get(row * made.size() / rows));
    }
    try (NDScope scope = Ops.scope();
        BatchAdapters adapters = BatchAdapters.of(ofRows)) {
      scope.suppressNotUsedWarning();
      NDArray ids = t5.manager().randomInteger(2, 300, new Shape(rows, length), DataType.INT64);
      NDArray mask = t5.manager().ones(new Shape(rows, length));
      CrossMemory memory = t5.attendTo(t5.encode(ids, mask, adapters), mask);
      NDArray hidden = t5.decode(ids, t5.causal(length), memory, adapters);
      assertThat(Ops.logSoftmax(t5.logits(hidden)).toFloatArray()).doesNotContain(Float.NaN);
      if (i % 10 == 0) {
        t5.generate(memory, adapters, GenerationOptions.greedy(6));
        t5.generate(memory, adapters, GenerationOptions.beam(6, 3));
      }
    }
    made.forEach(AdapterWeights::close);
  }
}
