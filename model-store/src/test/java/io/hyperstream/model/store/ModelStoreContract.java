package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.hyperstream.model.checkpoint.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What every model store does, wherever it lies. */
abstract class ModelStoreContract {
  static final ModelCard CARD =
      new ModelCard(64, 16, Map.of("accuracy", 0.5), "MIT", "a test", "none");

  /** The store; its own for each test. */
  abstract ModelStore store();

  /** The same store as another process sees it. */
  abstract ModelStore another() throws IOException;

  /** The file behind a reference to weights, where the store itself has it. */
  abstract Path kept(String reference);

  static ModelStore.Content content(int weightBytes) {
    return folder -> TinyCheckpoint.single(weightBytes).writeTo(folder.resolve("backbone"));
  }

  static Path weightsOf(StoredModel model) {
    return model.directory().resolve("backbone/model.safetensors");
  }

  @Test
  @DisplayName("what is published, others list and load by name, version and modelId")
  void publishAndLoad() throws IOException {
    StoredModel first = store().publish("tiny", CARD, content(100));
    StoredModel second = store().publish("tiny", CARD, content(200));
    assertThat(first.reference()).isEqualTo("tiny@1");
    assertThat(first.modelId()).matches("[0-9a-f]{16}").isNotEqualTo(second.modelId());
    assertThat(first.manifest().card()).isEqualTo(CARD);
    assertThat(first.hypernetwork()).isEmpty();
    assertThat(weightsOf(first)).exists();

    ModelStore other = another();
    assertThat(other.list())
        .extracting(StoredModel::reference, StoredModel::modelId)
        .containsExactly(tuple("tiny@1", first.modelId()), tuple("tiny@2", second.modelId()));
    StoredModel latest = other.load("tiny");
    assertThat(latest.reference()).isEqualTo("tiny@2");
    assertThat(latest.manifest()).isEqualTo(second.manifest());
    assertThat(weightsOf(latest)).hasSameBinaryContentAs(weightsOf(second));
    assertThat(latest.backbone().weights()).hasSize(1);
    assertThat(other.load("tiny@1").modelId()).isEqualTo(first.modelId());
    assertThat(other.load(first.modelId()).reference()).isEqualTo("tiny@1");
  }

  @Test
  @DisplayName("the tenth version comes after the ninth")
  void versionsAreNumbers() throws IOException {
    for (int i = 1; i <= 10; i++) {
      store().publish("tiny", CARD, content(100 + i));
    }
    assertThat(store().load("tiny").version()).isEqualTo(10);
    assertThat(store().list()).extracting(StoredModel::version).endsWith(9, 10);
  }

  @Test
  @DisplayName("publishing the same again is the same version; another card is a new one")
  void publishingIsIdempotent() throws IOException {
    StoredModel first = store().publish("tiny", CARD, content(100));
    ModelCard other = new ModelCard(32, 16, Map.of(), "MIT", "a test", "shorter inputs");

    StoredModel again = another().publish("tiny", CARD, content(100));
    assertThat(again.reference()).isEqualTo(first.reference());
    assertThat(again.manifest()).isEqualTo(first.manifest());
    assertThat(store().publish("tiny", other, content(100)).version()).isEqualTo(2);
    assertThat(store().load("tiny@2").modelId()).isEqualTo(first.modelId());
    assertThat(store().list()).hasSize(2);
  }

  @Test
  @DisplayName("the modelId follows the weights, not the README")
  void modelIdIsOfTheWeights() throws IOException {
    StoredModel plain = store().publish("a", CARD, content(100));
    StoredModel withReadme =
        store()
            .publish(
                "b",
                CARD,
                folder -> {
                  content(100).writeTo(folder);
                  Files.writeString(folder.resolve("README.md"), "text");
                });
    StoredModel withHypernetwork =
        store()
            .publish(
                "c",
                CARD,
                folder -> {
                  content(100).writeTo(folder);
                  Path hyper = Files.createDirectory(folder.resolve("hypernetwork"));
                  Files.writeString(hyper.resolve("adapter_config.json"), "{\"tasks\": [\"x\"]}");
                });

    assertThat(withReadme.modelId()).isEqualTo(plain.modelId());
    assertThat(withHypernetwork.modelId()).isNotEqualTo(plain.modelId());
    assertThat(withHypernetwork.manifest().backboneFingerprint())
        .isEqualTo(plain.manifest().backboneFingerprint());
    assertThat(store().load("c").manifest().tasks()).containsExactly("x");
  }

  @Test
  @DisplayName("an unknown model names those there are; a bad name is refused")
  void unknown() throws IOException {
    store().publish("tiny", CARD, content(100));
    for (String reference : List.of("huge", "tiny@7", "../tiny", "0000000000000000", "")) {
      assertThatThrownBy(() -> store().load(reference))
          .as(reference)
          .isInstanceOf(NoSuchFileException.class)
          .hasMessageContaining("tiny@1");
    }
    assertThatThrownBy(() -> store().publish("../x", CARD, content(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  @DisplayName("a failing writer leaves no version behind")
  void failureLeavesNothing() throws IOException {
    assertThatThrownBy(
            () ->
                store()
                    .publish(
                        "tiny",
                        CARD,
                        folder -> {
                          content(100).writeTo(folder);
                          throw new IOException("disk full");
                        }))
        .hasMessage("disk full");
    assertThat(store().list()).isEmpty();
  }

  @Test
  @DisplayName("weights of adapters lie under their owner and hash, and only there")
  void weightsByHash() throws IOException {
    byte[] weights = {1, 2, 3};
    String reference = store().addWeights("me", weights);
    assertThat(reference)
        .isEqualTo(
            "adapters/me/039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81.safetensors");
    assertThat(store().addWeights("me", weights)).isEqualTo(reference);
    assertThat(kept(reference)).hasBinaryContent(weights);
    assertThat(another().weights(reference)).hasBinaryContent(weights);

    Files.delete(kept(reference));
    assertThatThrownBy(() -> another().weights(reference))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no such weights in the model store");
    for (String outside : List.of("adapters/../x.safetensors", "/etc/passwd", "")) {
      assertThatThrownBy(() -> store().weights(outside))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("adapters/OWNER/SHA-256.safetensors");
    }
    for (String owner : List.of("", "..", "a/b")) {
      assertThatThrownBy(() -> store().addWeights(owner, weights))
          .hasMessageContaining("an owner of weights matches");
    }
  }

  @Test
  @DisplayName("an owner's weights that are not needed go, but neither young ones nor others'")
  void removeWeights() throws IOException {
    Instant then = Instant.parse("2026-01-01T00:00:00Z");
    String needed = store().addWeights("me", new byte[] {1});
    String old = store().addWeights("me", new byte[] {2});
    String young = store().addWeights("me", new byte[] {3});
    String others = store().addWeights("you", new byte[] {2});
    for (String reference : List.of(needed, old, others)) {
      Files.setLastModifiedTime(kept(reference), FileTime.from(then));
    }
    assertThat(store().removeWeights("me", Set.of(needed), then.plusSeconds(1))).isEqualTo(1);
    for (String reference : List.of(needed, young, others)) {
      assertThat(kept(reference)).exists();
    }
    assertThat(kept(old)).doesNotExist();
    assertThat(store().removeWeights("nobody", Set.of(), Instant.now())).isZero();
    store().addWeights("you", new byte[] {2}); // needed again, so young again
    assertThat(store().removeWeights("you", Set.of(), then.plusSeconds(1))).isZero();
  }
}
