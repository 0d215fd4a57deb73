package io.hyperstream.app.versions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LabelHead.LabelVectors;
import io.hyperstream.model.prototype.Scope;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.model.training.FewShotVersion.Form;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prototypes;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Adapter versions as records")
class VersionCodecTest {
  private static final Instant NOW = Instant.parse("2026-02-03T04:05:06Z");

  @TempDir Path folder;
  private final AtomicLong nanos = new AtomicLong();
  private final List<Path> givenBack = new ArrayList<>();
  private AdapterFiles files;
  private FileModelStore store;
  private VersionCodec codec;

  @BeforeEach
  void open() throws IOException {
    files =
        new AdapterFiles(
            folder.resolve("inline"), Duration.ofNanos(10), givenBack::add, nanos::get);
    store = new FileModelStore(folder.resolve("store"));
    codec = new VersionCodec(files, store, "me", 100);
  }

  private static LabelHead head() {
    Random random = new Random(1);
    float[][] states = new float[3][5];
    for (float[] state : states) {
      for (int i = 0; i < state.length; i++) {
        state[i] = (float) random.nextGaussian();
      }
    }
    return new LabelHead(
        states[0],
        List.of(
            new LabelVectors(
                "one", states[1], 0.5f, new int[] {0, 300, 2051}, new float[] {1, -2, 3}, -1),
            new LabelVectors("two", states[2], -3, new int[0], new float[0], 4)),
        false,
        0.1,
        2.5,
        1e-3,
        Optional.of(new Scope(21.5, 0.75)));
  }

  private AdapterVersion record(Form form, Optional<LabelHead> head, Optional<byte[]> weights)
      throws IOException {
    FewShotVersion version = new FewShotVersion(form, new float[] {1, -0.1f}, head, weights);
    AdapterVersion record = codec.toRecord("task", "model", version, NOW);
    return AdapterVersion.newBuilder(record).setVersion(7).build();
  }

  private static void same(LabelHead actual, LabelHead expected) {
    assertThat(actual).usingRecursiveComparison().withStrictTypeChecking().isEqualTo(expected);
  }

  @Test
  @DisplayName("every form comes back as it was, number for number")
  void roundTrip() throws IOException {
    TaskAdapter embedding =
        codec.toAdapter(record(Form.EMBEDDING, Optional.empty(), Optional.empty()));
    assertThat(embedding.taskId()).isEqualTo("task");
    assertThat(embedding.version()).isEqualTo(7);
    assertThat(((AdapterForm.Embedding) embedding.form()).values()).containsExactly(1, -0.1f);
    assertThat(embedding.head()).isEmpty();

    AdapterVersion record = record(Form.PROTOTYPES, Optional.of(head()), Optional.empty());
    same(codec.toAdapter(record).head().get(), head());
    ByteBuffer wire = AdapterVersion.getEncoder().encode(record);
    assertThat(wire.remaining()).isLessThan(200);
    same(codec.toAdapter(AdapterVersion.getDecoder().decode(wire)).head().get(), head());

    record.getPrototypes().setScopeDeviation(0); // of before there was the field
    assertThat(codec.toAdapter(record).head().get().scope()).isEmpty();

    byte[] weights = {9, 8, 7};
    TaskAdapter tuned =
        codec.toAdapter(record(Form.WEIGHTS, Optional.of(head()), Optional.of(weights)));
    assertThat(tuned.weightsFile().get()).hasBinaryContent(weights);
    same(tuned.head().get(), head());
  }

  @Test
  @DisplayName("weights beyond the limit go through the store, which has them before the record")
  void throughTheStore() throws IOException {
    byte[] weights = new byte[101];
    AdapterVersion record = record(Form.WEIGHTS, Optional.empty(), Optional.of(weights));
    assertThat(record.getWeights()).isNull();
    Path file = store.weights(record.getWeightsUri());
    assertThat(file).hasBinaryContent(weights);
    assertThat(codec.toAdapter(record).weightsFile()).contains(file);
    assertThat(folder.resolve("inline")).doesNotExist();

    Files.write(file, new byte[101 - 1]);
    assertThatThrownBy(() -> codec.toAdapter(record))
        .isInstanceOf(IOException.class) // may be whole again later
        .hasMessageContaining("has SHA-256");
    AdapterVersion another = AdapterVersion.newBuilder(record).setWeightsSha256("00ff").build();
    assertThatThrownBy(() -> codec.toAdapter(another))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("should have SHA-256 00ff");
    Files.delete(file);
    assertThatThrownBy(() -> codec.toAdapter(record)).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(
            () -> new VersionCodec(files, store, "me", Topics.MAX_INLINE_WEIGHTS_BYTES + 1))
        .hasMessageContaining("0 to 2097152 bytes; got a limit of 2097153");
  }

  @Test
  @DisplayName("a record that makes no sense is refused, and the reason names the field")
  void refused() throws IOException {
    AdapterVersion good = record(Form.PROTOTYPES, Optional.of(head()), Optional.empty());
    refused(good, r -> r.setVersion(0), "versions count from 1; got 0");
    refused(good, r -> r.setPrototypes(null), "its form is PROTOTYPES, and it has none");
    refused(
        good,
        r -> r.setForm(io.hyperstream.schemas.AdapterForm.WEIGHTS),
        "its form is WEIGHTS, and it has none");
    refused(good, r -> r.setForm(io.hyperstream.schemas.AdapterForm.UNKNOWN), "form is not known");
    vectors(good, p -> p.setValues(ByteBuffer.allocate(3)), "values", "3 bytes; 10 numbers");
    vectors(good, p -> p.setCenter(ByteBuffer.allocate(0)), "center", "0 bytes; 5 numbers");
    vectors(good, p -> p.setStateBiases(ByteBuffer.allocate(8)), "stateBiases", "2 numbers");
    vectors(good, p -> p.setWordPlaces(ByteBuffer.allocate(4)), "wordPlaces", "3 numbers");
    vectors(good, p -> p.setWordCounts(List.of(3)), "1 word counts for 2 labels", "");
    vectors(good, p -> p.setWordCounts(List.of(4, -1)), "wordValues", "6 bytes");
    vectors(good, p -> p.setDimension(0), "0 numbers each", "");
    vectors(good, p -> p.setLabels(List.of("one", "one")), "'one' has vectors twice", "");
    vectors(good, p -> p.setStateWeight(Double.NaN), "weight of states is NaN", "");
    ByteBuffer infinite = ByteBuffer.wrap(new byte[] {0, 0x7c, 0, 0});
    vectors(good, p -> p.setWordBiases(infinite), "word bias of label 'one'", "Infinity");
  }

  private void vectors(
      AdapterVersion good, Consumer<Prototypes.Builder> change, String reason, String more) {
    Prototypes.Builder changed = Prototypes.newBuilder(good.getPrototypes());
    change.accept(changed);
    AdapterVersion record = AdapterVersion.newBuilder(good).setPrototypes(changed.build()).build();
    assertThatThrownBy(() -> codec.toAdapter(record))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining(more);
  }

  private void refused(
      AdapterVersion good, Consumer<AdapterVersion.Builder> change, String reason) {
    AdapterVersion.Builder changed = AdapterVersion.newBuilder(good);
    change.accept(changed);
    assertThatThrownBy(() -> codec.toAdapter(changed.build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  @Test
  @DisplayName(
      "files go when they were released long enough ago, unless they are needed again; files elsewhere are given back as often as got")
  void sweeping() throws IOException {
    Path first = files.write(ByteBuffer.wrap(new byte[] {1}), Optional.empty());
    Path second = files.write(ByteBuffer.wrap(new byte[] {2}), Optional.empty());
    Path elsewhere = Files.write(folder.resolve("mine"), new byte[1]);
    files.release(first);
    files.release(second);
    files.keep(elsewhere);
    files.keep(elsewhere);
    assertThat(givenBack).containsExactly(elsewhere);
    files.release(elsewhere);
    nanos.set(9);
    files.sweep();
    assertThat(first).exists();
    files.write(ByteBuffer.wrap(new byte[] {2}), Optional.empty());
    nanos.set(10);
    files.sweep();
    assertThat(first).doesNotExist();
    assertThat(second).exists();
    assertThat(elsewhere).exists();
    assertThat(givenBack).containsExactly(elsewhere, elsewhere);

    AdapterFiles next =
        new AdapterFiles(second.getParent(), Duration.ZERO, givenBack::add, nanos::get);
    next.sweep();
    assertThat(second).doesNotExist();
  }
}
