package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.ExampleBuffer.Change;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.training.Example;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The example buffer")
class ExampleBufferTest {
  private static final String TASK = "mood";
  private KeyValueStore<String, StoredExample> store;
  private KeyValueStore<String, StoredVector> vectors;
  private final Counter untested = new SimpleMeterRegistry().counter("untested");
  private ExampleBuffer buffer;
  private long sequence;

  @BeforeEach
  void open() {
    store = store("examples", StoredExample.class);
    vectors = store("vectors", StoredVector.class);
    buffer = buffer(1_000_000);
  }

  @AfterEach
  void close() {
    store.close();
    vectors.close();
  }

  private ExampleBuffer buffer(long maxTaskBytes) {
    return new ExampleBuffer(store, vectors, maxTaskBytes, untested);
  }

  private static <T extends SpecificRecord> KeyValueStore<String, T> store(
      String name, Class<T> type) {
    KeyValueStore<String, T> store =
        Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(name), Serdes.String(), StateCodec.serde(type))
            .withLoggingDisabled()
            .build();
    MockProcessorContext<Void, Void> context = new MockProcessorContext<>(new Properties());
    store.init(context.getStateStoreContext(), store);
    return store;
  }

  private StoredExample example(String text, String label) {
    return StoredExample.newBuilder()
        .setText(text)
        .setLabel(label)
        .setSequence(++sequence)
        .setHeldOut(false)
        .build();
  }

  /** What can be learnt from. */
  private List<StoredExample> held() {
    return buffer.all(TASK).stream()
        .filter(example -> !example.getLeaving() && !example.getAside())
        .toList();
  }

  private Map<String, Integer> counts() {
    Map<String, Integer> counts = new TreeMap<>();
    held().forEach(example -> counts.merge(example.getLabel(), 1, Integer::sum));
    return counts;
  }

  private Map<String, String> content() {
    Map<String, String> content = new HashMap<>();
    held().forEach(example -> content.put(example.getText(), example.getLabel()));
    return content;
  }

  private static Example asLearnt(StoredExample example) {
    return new Example(
        example.getText(), Optional.ofNullable(example.getTextPair()), example.getLabel());
  }

  /** Has a vector kept with each example there is. */
  private void vectorsOfAll() {
    Map<Example, StoredVector> made = new HashMap<>();
    held().forEach(e -> made.put(asLearnt(e), FakeTrainer.vector("m", e.getText())));
    buffer.keepVectors(TASK, made);
  }

  /** Texts with a vector. */
  private Set<String> withVectors() {
    Set<String> texts = new TreeSet<>();
    buffer
        .vectors(TASK)
        .forEach(
            (hash, vector) -> {
              String text = StandardCharsets.UTF_8.decode(vector.getValues()).toString();
              assertThat(TextHash.of(text, null)).isEqualTo(hash);
              texts.add(text);
            });
    return texts;
  }

  @Test
  @DisplayName("keeps vectors with examples, and lets them go with them")
  void vectorsGoWithExamples() {
    for (String text : List.of("a", "b", "c", "d", "e")) {
      buffer.put(TASK, example(text, text.equals("e") ? "bad" : "good"), 10, Long.MAX_VALUE);
    }
    vectorsOfAll();
    buffer = buffer(1_000_000); // as after a restart
    assertThat(withVectors()).containsExactly("a", "b", "c", "d", "e");
    buffer.remove(TASK, TextHash.of("b", null)); // taken back, or forgotten
    assertThat(withVectors()).containsExactly("a", "c", "d", "e");
    buffer.put(TASK, example("c", "bad"), 10, Long.MAX_VALUE); // replaced
    assertThat(withVectors()).containsExactly("a", "d", "e");
    buffer.put(TASK, example("f", "good"), 2, Long.MAX_VALUE); // two more are evicted
    assertThat(withVectors()).hasSize(2).contains("e");
    buffer.put(TASK, example("g", "good"), 1, 0); // the others wait for their test
    assertThat(buffer.all(TASK)).anyMatch(StoredExample::getLeaving);
    assertThat(withVectors()).containsExactly("e");
    buffer.define(TASK, Set.of("good")); // without that label
    vectorsOfAll();
    assertThat(withVectors()).containsExactly("e", "g"); // of one that is set aside it stays
    buffer.clear(TASK); // retired
    assertThat(vectors.approximateNumEntries()).isZero();
  }

  @Test
  @DisplayName("keeps no vector of a text that is gone, or written differently by now")
  void lateVectors() {
    buffer.put(TASK, example("a", "good"), 10, 0);
    buffer.put(TASK, example("b", "good"), 10, 0);
    buffer.put(TASK, example("c", "good"), 10, 0);
    Map<Example, StoredVector> made = new HashMap<>();
    held().forEach(e -> made.put(asLearnt(e), FakeTrainer.vector("m", e.getText())));
    buffer.remove(TASK, TextHash.of("a", null));
    buffer.put(TASK, example("B", "bad"), 10, 0);
    buffer.keepVectors(TASK, made);
    assertThat(withVectors()).containsExactly("c");
  }

  @Test
  @DisplayName("counts vectors too, and gives them up before any example")
  void vectorBytes() {
    buffer = buffer(5_000);
    for (int i = 0; i < 10; i++) {
      buffer.put(TASK, example("text " + i, "label " + i % 2), 100, 0);
    }
    vectorsOfAll(); // 222 bytes or so each, of each example too
    assertThat(withVectors()).hasSize(10);
    for (int i = 10; i < 15; i++) {
      buffer.put(TASK, example("text " + i, "label " + i % 2), 100, 0);
    }
    assertThat(held()).hasSize(15);
    assertThat(withVectors()).hasSizeBetween(5, 9);
    vectorsOfAll(); // as many as have space
    assertThat(withVectors()).hasSizeBetween(5, 9);
    for (int i = 15; i < 60; i++) {
      buffer.put(TASK, example("text " + i, "label " + i % 2), 100, 0);
    }
    assertThat(held()).hasSizeGreaterThan(19);
    assertThat(withVectors()).isEmpty();
    assertThat(vectors.approximateNumEntries()).isZero();
  }

  @Test
  @DisplayName("stays balanced over ten thousand skewed labels, and follows the traffic")
  void balance() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      int dice = random.nextInt(100);
      String label = dice == 0 ? "rare" : dice < 10 ? "some" : "often";
      buffer.put(TASK, example("text " + i, label), 64, Long.MAX_VALUE);
    }
    assertThat(counts())
        .containsOnly(Map.entry("often", 64), Map.entry("rare", 64), Map.entry("some", 64));
    List<Long> often =
        held().stream()
            .filter(example -> example.getLabel().equals("often"))
            .map(StoredExample::getSequence)
            .toList();
    // Not a window: those that are evicted are chosen at random.
    assertThat(often.get(0)).isBetween(9_000L, 9_900L);
    assertThat(often.get(63)).isGreaterThan(9_980);
  }

  @Test
  @DisplayName("holds the same after the same labels, wherever they are replayed")
  void deterministic() {
    List<Map<String, String>> contents = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      buffer.clear(TASK);
      sequence = 0;
      for (int i = 0; i < 500; i++) {
        if (i % 100 == 0) {
          buffer = buffer(1_000_000); // as after a restart
        }
        buffer.put(TASK, example("text " + i, "label " + i % 3), 10, 0);
      }
      contents.add(content());
    }
    assertThat(contents.get(0)).isEqualTo(contents.get(1)).hasSize(30);
  }

  @Test
  @DisplayName("gives tested examples up before untested ones")
  void untestedStay() {
    for (int i = 0; i < 20; i++) {
      buffer.put(TASK, example("text " + i, "good"), 10, 5);
    }
    assertThat(buffer.all(TASK))
        .extracting(StoredExample::getSequence)
        .doesNotContain(1L, 2L, 3L, 4L, 5L);
  }

  @Test
  @DisplayName("removes an untested evicted example after its test, not before")
  void leaving() {
    for (int i = 0; i < 20; i++) {
      buffer.put(TASK, example("text " + i, "good"), 10, 5);
      buffer = buffer(1_000_000); // as after a restart
    }
    assertThat(counts()).isEqualTo(Map.of("good", 10));
    assertThat(buffer.all(TASK))
        .extracting(StoredExample::getSequence)
        .isEqualTo(LongStream.rangeClosed(6, 20).boxed().toList());
    buffer.tested(TASK, 14);
    assertThat(buffer.all(TASK))
        .filteredOn(StoredExample::getLeaving)
        .allMatch(example -> example.getSequence() > 14);
    assertThat(counts()).isEqualTo(Map.of("good", 10));
    buffer.tested(TASK, 20);
    assertThat(buffer.all(TASK)).isEqualTo(held());
    assertThat(untested.count()).isZero();
  }

  @Test
  @DisplayName("takes an example back that was leaving, and erases one that is to be forgotten")
  void leavingAgain() {
    buffer.put(TASK, example("a", "good"), 1, 0);
    buffer.put(TASK, example("b", "good"), 1, 0);
    assertThat(content()).containsOnlyKeys("b");
    assertThat(buffer.put(TASK, example("a", "bad"), 1, 0)).isEqualTo(Change.ADDED);
    assertThat(content()).isEqualTo(Map.of("a", "bad", "b", "good"));
    assertThat(buffer.all(TASK)).hasSize(2);
    buffer.put(TASK, example("c", "good"), 1, 0);
    assertThat(buffer.remove(TASK, TextHash.of("b", null))).isPresent();
    assertThat(buffer.all(TASK)).extracting(StoredExample::getText).containsExactly("a", "c");
  }

  @Test
  @DisplayName("counts the untested that had to leave because too many waited")
  void tooManyLeaving() {
    buffer = buffer(400_000);
    for (int i = 0; i < 30; i++) {
      buffer.put(TASK, example(i + "x".repeat(2_000), "good"), 1, 0);
    }
    assertThat(buffer.all(TASK)).hasSize(12); // one, and what goes into an eighth of the bytes
    assertThat(untested.count()).isEqualTo(18);
  }

  @Test
  @DisplayName("keeps within its bytes, taking from the heaviest label")
  void bytes() {
    buffer = buffer(50_000);
    for (int i = 0; i < 10; i++) {
      buffer.put(TASK, example("short " + i, "light"), 100, 0);
    }
    for (int i = 0; i < 100; i++) {
      buffer.put(TASK, example(i + "x".repeat(2_000), "heavy"), 100, 0);
      assertThat(buffer.all(TASK)).extracting(StoredExample::getSequence).contains(sequence);
    }
    assertThat(counts()).containsEntry("light", 10).containsEntry("heavy", 11);
    buffer.put(TASK, example("y".repeat(30_000), "heavy"), 100, 0);
    assertThat(counts()).isEqualTo(Map.of("heavy", 1)); // it alone is over the limit
  }

  @Test
  @DisplayName("says what changed")
  void changes() {
    assertThat(buffer.put(TASK, example("a", "good"), 2, 0)).isEqualTo(Change.ADDED);
    assertThat(buffer.put(TASK, example("A ", "good"), 2, 0)).isEqualTo(Change.SAME);
    assertThat(buffer.put(TASK, example(" a", "bad"), 2, 0)).isEqualTo(Change.RELABELLED);
    assertThat(buffer.labels(TASK)).isEqualTo(1);
    assertThat(buffer.remove(TASK, TextHash.of("a", null)))
        .map(StoredExample::getLabel)
        .contains("bad");
    assertThat(buffer.remove(TASK, TextHash.of("a", null))).isEmpty();
    assertThat(buffer.labels(TASK)).isZero();
  }

  @Test
  @DisplayName("keeps an example held out, whatever its label and the policy become")
  void heldOutStays() {
    StoredExample first = example("a", "good");
    first.setHeldOut(true);
    buffer.put(TASK, first, 2, 0);
    buffer.put(TASK, example("a", "bad"), 2, 0);
    assertThat(buffer.all(TASK).get(0).getHeldOut()).isTrue();
  }

  @Test
  @DisplayName("holds out about the share that was asked for")
  void share() {
    int heldOut = 0;
    for (int i = 0; i < 2_000; i++) {
      heldOut += TextHash.share(TextHash.of("text " + i, null)) < 0.25 ? 1 : 0;
    }
    assertThat(heldOut).isBetween(430, 570);
  }

  @Test
  @DisplayName("keeps tasks apart whose names begin alike")
  void tasksApart() {
    buffer.put("a", example("x", "good"), 2, 0);
    buffer.put("a.b", example("y", "good"), 2, 0);
    buffer.put("a-b", example("z", "good"), 2, 0);
    assertThat(buffer.clear("a")).isEqualTo(1);
    assertThat(buffer.all("a.b")).hasSize(1);
    assertThat(buffer.all("a-b")).hasSize(1);
  }

  @Test
  @DisplayName("sets examples aside with their label, and takes them back with it")
  void aside() {
    for (String text : List.of("a", "b", "c")) {
      buffer.put(TASK, example(text, "good"), 10, Long.MAX_VALUE);
      buffer.put(TASK, example(text + "!", "bad"), 10, Long.MAX_VALUE);
    }
    assertThat(buffer.define(TASK, Set.of("good", "new"))).isEqualTo(new ExampleBuffer.Moved(3, 0));
    assertThat(buffer.define(TASK, Set.of("good"))).isEqualTo(new ExampleBuffer.Moved(0, 0));
    assertThat(counts()).isEqualTo(Map.of("good", 3));
    assertThat(buffer.labels(TASK)).isEqualTo(1);
    buffer = buffer(1_000_000); // as after a restart
    assertThat(buffer.setAside(TASK)).isEqualTo(Map.of("bad", 3));
    assertThat(buffer.counts(TASK)).isEqualTo(Map.of("bad", 3, "good", 3));
    buffer.put(TASK, example("b!", "good"), 10, Long.MAX_VALUE); // a later label replaces it
    buffer.remove(TASK, TextHash.of("c!", null)); // forgotten
    assertThat(buffer.define(TASK, Set.of("good", "bad"))).isEqualTo(new ExampleBuffer.Moved(0, 1));
    assertThat(content())
        .isEqualTo(Map.of("a", "good", "b", "good", "c", "good", "a!", "bad", "b!", "good"));
    buffer.define(TASK, Set.of());
    assertThat(buffer.clear(TASK)).isEqualTo(5);
    assertThat(store.approximateNumEntries()).isZero();
  }

  @Test
  @DisplayName("counts examples that are set aside, and lets them go before any that is in use")
  void asideGivesWay() {
    buffer = buffer(5_000);
    for (int i = 0; i < 8; i++) {
      buffer.put(TASK, example("old " + i, "old"), 100, Long.MAX_VALUE);
    }
    buffer.define(TASK, Set.of("good", "bad"));
    for (int i = 0; i < 100; i++) {
      Map<String, Integer> before = buffer.setAside(TASK);
      int inUse = held().size();
      buffer.put(TASK, example("text " + i, i % 2 == 0 ? "good" : "bad"), 100, Long.MAX_VALUE);
      int kept = buffer.counts(TASK).values().stream().mapToInt(Integer::intValue).sum();
      assertThat(kept).isLessThanOrEqualTo(5_000 / 200);
      if (!before.isEmpty()) {
        assertThat(held()).as("in use").hasSize(inUse + 1);
      }
    }
    assertThat(buffer.setAside(TASK)).isEmpty();
    assertThat(held()).hasSizeGreaterThan(15);
  }

  /** Against a model that knows only what was said: every step changes what it may change. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  @DisplayName("keeps its promises over any sequence of events")
  void anySequence(long seed) {
    Random random = new Random(seed);
    int most = 1 + random.nextInt(5);
    Set<String> labels = new TreeSet<>(Set.of("a", "b", "c"));
    Map<String, String> said = new HashMap<>();
    for (int step = 0; step < 1_500; step++) {
      if (random.nextInt(50) == 0) {
        buffer = buffer(1_000_000);
      }
      Map<String, String> before = content();
      Map<String, String> known = new HashMap<>(before); // those set aside too
      buffer.all(TASK).stream()
          .filter(StoredExample::getAside)
          .forEach(e -> known.put(e.getText(), e.getLabel()));
      String text = "text " + random.nextInt(60);
      int dice = random.nextInt(100);
      if (dice < 80) {
        String label = List.copyOf(labels).get(random.nextInt(labels.size()));
        said.put(text, label);
        Map<String, String> expected = new HashMap<>(before);
        expected.put(text, label);
        Change change = buffer.put(TASK, example(text, label), most, random.nextInt(1_500));
        assertThat(change == Change.SAME).isEqualTo(label.equals(before.get(text)));
        assertThat(change == Change.ADDED).isEqualTo(!known.containsKey(text));
        Map<String, String> after = content();
        assertThat(after).containsEntry(text, label);
        assertThat(expected.entrySet()).containsAll(after.entrySet());
        long now = after.values().stream().filter(label::equals).count();
        long full = expected.values().stream().filter(label::equals).count();
        assertThat(now).isEqualTo(Math.min(most, full));
        assertThat(expected.size() - after.size()).isEqualTo((int) (full - now));
      } else if (dice < 97) {
        said.remove(text);
        Optional<StoredExample> removed = buffer.remove(TASK, TextHash.of(text, null));
        assertThat(removed.filter(e -> !e.getLeaving()).map(StoredExample::getLabel).orElse(null))
            .isEqualTo(known.get(text));
        before.remove(text);
        assertThat(content()).isEqualTo(before);
      } else {
        labels.clear();
        labels.addAll(random.nextBoolean() ? Set.of("a", "b") : Set.of("a", "b", "c"));
        buffer.define(TASK, labels);
        before.values().retainAll(labels);
        assertThat(content()).containsAllEntriesOf(before);
        Map<String, String> back = content();
        back.keySet().removeAll(before.keySet());
        assertThat(back.values()).allMatch(label -> labels.contains("c") && label.equals("c"));
        assertThat(buffer.setAside(TASK).keySet()).allMatch(label -> !labels.contains(label));
      }
      assertThat(said.entrySet()).containsAll(content().entrySet());
      assertThat(buffer.labels(TASK)).isEqualTo(counts().size());
    }
  }
}
