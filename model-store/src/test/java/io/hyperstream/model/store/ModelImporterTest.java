package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.task.StarterFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelImporterTest {
  /** What is copied, not what is in it. */
  private static final ModelImporter.Trial ANYTHING = (backbone, hypernetwork, card) -> {};

  @TempDir Path dir;
  private FileModelStore store;
  private ModelImporter importer;

  @BeforeEach
  void open() throws IOException {
    store = new FileModelStore(dir.resolve("store"));
    importer = new ModelImporter(store, LoadedModel.FAMILIES, ANYTHING);
  }

  @Test
  @DisplayName("a Hugging Face folder is imported under its name; the config gives the length")
  void backbone() throws IOException {
    Path folder = TinyCheckpoint.single(64).writeTo(dir.resolve("my-t5"));

    StoredModel model = importer.importFolder(folder, ImportOptions.DEFAULT);

    assertThat(model.reference()).isEqualTo("my-t5@1");
    assertThat(model.manifest().card().maxSourceTokens()).isEqualTo(128);
    assertThat(store.load("my-t5").backbone().weights()).hasSize(1);
  }

  @Test
  @DisplayName("sharded weights and a hypernetwork folder are taken along")
  void shardedWithHypernetwork() throws IOException {
    Path folder = TinyCheckpoint.sharded(64).writeTo(dir.resolve("my-t5"));
    Path hyper = Files.createDirectories(dir.resolve("hyper"));
    Files.writeString(hyper.resolve("adapter_config.json"), "{\"tasks\": [\"a\", \"b\"]}");
    Files.writeString(hyper.resolve("hypernetwork.safetensors"), "weights");

    StoredModel model =
        importer.importFolder(
            folder,
            new ImportOptions(
                Optional.of("other"),
                Optional.of(hyper),
                OptionalInt.of(77),
                OptionalInt.of(9),
                Optional.empty(),
                "MIT",
                "notes"));

    assertThat(model.name()).isEqualTo("other");
    assertThat(model.backbone().weights()).hasSize(2);
    assertThat(model.backbone().weightsIndex()).isPresent();
    assertThat(model.hypernetwork()).isPresent();
    assertThat(model.manifest().tasks()).containsExactly("a", "b");
    assertThat(model.manifest().card().maxSourceTokens()).isEqualTo(77);
    assertThat(model.manifest().card().licence()).isEqualTo("MIT");
  }

  @Test
  @DisplayName("a folder shaped like the starter model comes with its tasks; checksums are checked")
  void starterShaped() throws IOException {
    StoredModel model = importer.importFolder(StarterFiles.directory(), ImportOptions.DEFAULT);
    assertThat(model.sourceTasks()).hasSize(18);

    Path copy = dir.resolve("copy");
    for (String name :
        new String[] {
          "SHA256SUMS",
          "tasks.json",
          "backbone/config.json",
          "backbone/model.safetensors",
          "backbone/spiece.model",
          "hypernetwork/adapter_config.json",
          "hypernetwork/hypernetwork.safetensors"
        }) {
      StoreFiles.copy(StarterFiles.directory().resolve(name), copy.resolve(name));
    }
    Files.writeString(copy.resolve("backbone/config.json"), "{}");
    assertThatThrownBy(() -> importer.importFolder(copy, ImportOptions.DEFAULT))
        .hasMessageContaining("config.json")
        .hasMessageContaining("damaged");
  }

  @Test
  @DisplayName("an exported version can be imported into another store with its card")
  void reimport() throws IOException {
    StoredModel starter = StarterModel.install(store);
    FileModelStore other = new FileModelStore(dir.resolve("other"));

    StoredModel copy =
        LoadedModel.importer(other)
            .importFolder(starter.directory(), ImportOptions.DEFAULT.named("copy"));

    assertThat(copy.modelId()).isEqualTo(starter.modelId());
    assertThat(copy.manifest().card()).isEqualTo(starter.manifest().card());
  }

  @Test
  @DisplayName("everything missing is named, and what would help is said")
  void missingFiles() throws IOException {
    Path folder = Files.createDirectory(dir.resolve("empty"));
    assertThatThrownBy(() -> importer.importFolder(folder, ImportOptions.DEFAULT))
        .hasMessageContaining("config.json")
        .hasMessageContaining("model.safetensors");

    Path mute = TinyCheckpoint.single(64).writeTo(dir.resolve("mute"));
    Files.delete(mute.resolve("spiece.model"));
    assertThatThrownBy(() -> importer.importFolder(mute, ImportOptions.DEFAULT))
        .hasMessageContaining("it lacks spiece.model");

    Files.writeString(folder.resolve("pytorch_model.bin"), "x");
    assertThatThrownBy(() -> importer.importFolder(folder, ImportOptions.DEFAULT))
        .hasMessageContaining("safe_serialization");

    Path shards = TinyCheckpoint.sharded(64).writeTo(dir.resolve("shards"));
    Files.delete(shards.resolve("model-00002-of-00002.safetensors"));
    assertThatThrownBy(() -> importer.importFolder(shards, ImportOptions.DEFAULT))
        .hasMessageContaining("model-00002-of-00002.safetensors");

    Path whole = TinyCheckpoint.single(64).writeTo(dir.resolve("whole"));
    assertThatThrownBy(
            () ->
                importer.importFolder(
                    whole,
                    new ImportOptions(
                        Optional.empty(),
                        Optional.of(folder),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        Optional.empty(),
                        "",
                        "")))
        .hasMessageContaining("adapter_config.json");
  }

  @Test
  @DisplayName("an index that points out of the folder is refused")
  void hostileIndex() throws IOException {
    for (String shard :
        new String[] {"../secret.safetensors", "/etc/passwd", "sub/a.safetensors"}) {
      Path folder =
          TinyCheckpoint.sharded(64)
              .put("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"" + shard + "\"}}")
              .writeTo(dir.resolve("hostile"));
      assertThatThrownBy(() -> importer.importFolder(folder, ImportOptions.DEFAULT))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(shard);
    }
    Path folder =
        TinyCheckpoint.sharded(64)
            .put("model.safetensors.index.json", "[]")
            .writeTo(dir.resolve("hostile"));
    assertThatThrownBy(() -> importer.importFolder(folder, ImportOptions.DEFAULT))
        .hasMessageContaining("weight_map");
  }

  @Test
  @DisplayName("the starter model is installed once, and repaired when damaged")
  void starter() throws IOException {
    StoredModel first = StarterModel.install(store);
    StoredModel again = StarterModel.install(store);

    assertThat(again).isEqualTo(first);
    assertThat(store.list()).hasSize(1);
    assertThat(first.manifest().card().maxSourceTokens()).isEqualTo(96);
    assertThat(first.manifest().card().metrics()).containsEntry("meanTestAccuracy", 0.6977);
    assertThat(first.manifest().tasks()).hasSize(18).contains("goemotions");
    SourceTask pairs = first.sourceTasks().get(0);
    assertThat(pairs.definition().taskId()).isEqualTo("cad_snli");
    assertThat(pairs.definition().template().needsPair()).isTrue();
    assertThat(pairs.testExamples()).isEqualTo(450);

    Files.writeString(first.directory().resolve("backbone/config.json"), "{}");
    assertThat(StarterModel.install(store).version()).isEqualTo(2);
    assertThat(store.load(StarterModel.NAME).modelId()).isEqualTo(first.modelId());
  }
}
