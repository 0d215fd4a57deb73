package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.testing.ProcessMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class AdapterBankTest {
  private static AdapterFactory factory;
  private static long bytesOfOne;

  private final List<Integer> calls = new ArrayList<>();
  private final List<AdapterBank> banks = new ArrayList<>();

  @BeforeAll
  static void load() throws IOException {
    Ops.inferenceThread();
    Path starter = StarterFiles.directory();
    factory =
        AdapterFactory.load(
            T5Config.read(starter.resolve("backbone/config.json")).shape(),
            AdapterConfig.read(starter.resolve("hypernetwork/adapter_config.json")),
            Safetensors.open(starter.resolve("hypernetwork/hypernetwork.safetensors")));
    try (AdapterWeights one = factory.make(List.of(embedding(0))).get(0)) {
      bytesOfOne = one.bytes();
    }
  }

  @AfterAll
  static void unload() {
    factory.close();
  }

  @AfterEach
  void closeBanks() {
    banks.forEach(AdapterBank::close);
  }

  private AdapterBank bank(long budgetBytes) {
    AdapterBank bank =
        new AdapterBank(
            forms -> {
              calls.add(forms.size());
              return factory.make(forms);
            },
            budgetBytes);
    banks.add(bank);
    return bank;
  }

  private static AdapterForm embedding(int seed) {
    float[] values = new float[64];
    Random random = new Random(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new AdapterForm.Embedding(values);
  }

  private static TaskAdapter task(int seed) {
    return new TaskAdapter("task" + seed, 1, embedding(seed));
  }

  private static List<TaskAdapter> tasks(int... seeds) {
    List<TaskAdapter> out = new ArrayList<>();
    for (int seed : seeds) {
      out.add(task(seed));
    }
    return out;
  }

  private static AdapterWeights weights(AdapterBank.Lookup lookup) {
    return ((AdapterBank.Lookup.Found) lookup).weights();
  }

  @Test
  @DisplayName("what a batch misses is made in one call, and is there for the next batch")
  void missesAreMadeTogether() {
    AdapterBank bank = bank(100 * bytesOfOne);

    List<AdapterBank.Lookup> first = bank.acquire(tasks(1, 2, 1, 3, 2));
    List<AdapterBank.Lookup> second = bank.acquire(tasks(3, 4, 1));

    assertThat(calls).containsExactly(3, 1);
    assertThat(weights(first.get(0)))
        .isSameAs(weights(first.get(2)))
        .isSameAs(weights(second.get(2)));
    assertThat(weights(first.get(3))).isSameAs(weights(second.get(0)));
    assertThat(bank.stats())
        .isEqualTo(new AdapterBankStats(2, 4, 0, 4, 4 * bytesOfOne, 100 * bytesOfOne));
  }

  @Test
  @DisplayName("beyond the budget the least recently used go first, never those of the batch")
  void evictsTheLeastRecentlyUsed() {
    AdapterBank bank = bank(3 * bytesOfOne);
    bank.acquire(tasks(1, 2, 3));
    bank.acquire(tasks(1));
    bank.acquire(tasks(4)); // 2 goes
    calls.clear();

    bank.acquire(tasks(1, 3, 4));
    assertThat(calls).isEmpty();
    bank.acquire(tasks(2));
    assertThat(calls).containsExactly(1);

    List<AdapterBank.Lookup> large = bank.acquire(tasks(5, 6, 7, 8, 9));
    assertThat(large).allSatisfy(l -> assertThat(l).isInstanceOf(AdapterBank.Lookup.Found.class));
    assertThat(bank.stats().residentTasks()).isEqualTo(5);
    bank.acquire(tasks(9));
    assertThat(bank.stats().residentTasks()).isEqualTo(5); // nothing new: nothing to evict for
    bank.acquire(tasks(10));
    assertThat(bank.stats().residentTasks()).isEqualTo(3);
    assertThat(bank.stats().residentBytes()).isEqualTo(3 * bytesOfOne);
  }

  @Test
  @DisplayName("a new version of a task is another entry; an equal embedding is the same one")
  void contentIsTheKey() {
    AdapterBank bank = bank(100 * bytesOfOne);
    TaskAdapter v1 = new TaskAdapter("t", 1, embedding(1));
    TaskAdapter again = new TaskAdapter("t", 1, embedding(1));
    TaskAdapter v2 = new TaskAdapter("t", 2, embedding(2));
    List<AdapterBank.Lookup> found = bank.acquire(List.of(v1, again, v2));
    assertThat(weights(found.get(0))).isSameAs(weights(found.get(1)));
    assertThat(weights(found.get(0))).isNotSameAs(weights(found.get(2)));
  }

  @Test
  @DisplayName("one unusable adapter does not spoil the others of its batch")
  void unusable() {
    AdapterBank bank = bank(100 * bytesOfOne);
    TaskAdapter wrong = new TaskAdapter("w", 1, new AdapterForm.Embedding(new float[3]));
    TaskAdapter named = new TaskAdapter("n", 1, new AdapterForm.Named("nobody"));
    TaskAdapter bare = new TaskAdapter("b", 0, new AdapterForm.None());
    List<AdapterBank.Lookup> found = bank.acquire(List.of(task(1), wrong, named, bare));
    assertThat(found.get(0)).isInstanceOf(AdapterBank.Lookup.Found.class);
    assertThat(found.get(1)).isInstanceOf(AdapterBank.Lookup.Unusable.class);
    assertThat(found.get(2)).isInstanceOf(AdapterBank.Lookup.Unusable.class);
    assertThat(weights(found.get(3))).isSameAs(AdapterWeights.NONE);
  }

  @Test
  @DisplayName("a disk error is the batch's, to be tried again; a damaged file is the row's")
  void diskErrors() {
    AdapterBank broken =
        new AdapterBank(
            forms -> {
              throw new UncheckedIOException(new IOException("disk"));
            },
            1);
    banks.add(broken);
    assertThatThrownBy(() -> broken.acquire(tasks(1))).isInstanceOf(UncheckedIOException.class);
    AdapterBank damaged =
        new AdapterBank(
            forms -> {
              throw new CheckpointException("truncated");
            },
            1);
    banks.add(damaged);
    assertThat(damaged.acquire(tasks(1)).get(0))
        .isEqualTo(new AdapterBank.Lookup.Unusable("truncated"));
  }

  @Test
  @DisplayName("thousands of tasks take turns within the budget: native memory does not grow")
  void thousandsOfTasks() throws IOException {
    AdapterBank bank = bank(8 * bytesOfOne);
    long before = 0;
    for (int from = 0; from < 4_000; from += 50) {
      if (from == 1000) {
        before = ProcessMemory.nativeBytes(); // allocator and caches are warm
      }
      List<TaskAdapter> batch = new ArrayList<>();
      for (int i = from; i < from + 50; i++) {
        batch.add(task(i));
      }
      bank.acquire(batch);
    }
    assertThat(calls).hasSize(80);
    assertThat(bank.stats().misses()).isEqualTo(4_000);
    assertThat(bank.stats().evictions()).isEqualTo(4_000 - 50);
    assertThat(bank.stats().residentTasks()).isEqualTo(50);
    // Kept, they would hold 3,000 times what one does.
    assertThat(ProcessMemory.nativeBytes() - before).isLessThan(800 * bytesOfOne);
  }
}
