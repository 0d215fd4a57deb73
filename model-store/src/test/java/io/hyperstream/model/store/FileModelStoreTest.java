package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.Manifest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A model store in a folder")
class FileModelStoreTest extends ModelStoreContract {
  @TempDir Path root;
  private FileModelStore store;

  @BeforeEach
  void open() throws IOException {
    store = new FileModelStore(root);
  }

  @Override
  ModelStore store() {
    return store;
  }

  @Override
  ModelStore another() throws IOException {
    return new FileModelStore(root);
  }

  @Override
  Path kept(String reference) {
    return root.resolve(reference);
  }

  @Test
  @DisplayName("weights are written whole or not at all, and again if they were damaged")
  void adapterWeights() throws IOException {
    byte[] weights = {1, 2, 3};
    String reference = store.addWeights("me", weights);
    assertThat(store.weights(reference).getParent()).isDirectoryNotContaining("glob:**.tmp");
    Files.write(store.weights(reference), new byte[] {1});
    assertThat(store.weights(store.addWeights("me", weights))).hasBinaryContent(weights);
  }

  @Test
  @DisplayName("a failing writer leaves no file behind either")
  void failureLeavesNoFile() throws IOException {
    failureLeavesNothing();
    try (Stream<Path> left = Files.list(root.resolve("staging"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  @DisplayName("a changed, missing or added file is found at load and named")
  void damageIsFound() throws IOException {
    Path directory = store.publish("tiny", CARD, content(100)).directory();
    Path weights = directory.resolve("backbone/model.safetensors");
    byte[] good = Files.readAllBytes(weights);

    byte[] flipped = good.clone();
    flipped[50] ^= 1;
    Files.write(weights, flipped);
    assertThatThrownBy(() -> store.load("tiny"))
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("SHA-256");

    Files.write(weights, new byte[99]);
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("99 bytes");

    Files.delete(weights);
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("missing");

    Files.write(weights, good);
    Path added = Files.writeString(directory.resolve("backbone/extra.safetensors"), "x");
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("extra.safetensors");
    Files.delete(added);
    assertThat(store.load("tiny").version()).isEqualTo(1);
  }

  @Test
  @DisplayName("publishing over a damaged version repairs it as a new one")
  void repair() throws IOException {
    StoredModel first = store.publish("tiny", CARD, content(100));
    Files.write(first.directory().resolve("backbone/model.safetensors"), new byte[100]);

    assertThat(store.publish("tiny", CARD, content(100)).version()).isEqualTo(2);
    assertThat(store.load("tiny").version()).isEqualTo(2);
  }

  @Test
  @DisplayName("a manifest that points out of its folder, or was edited, is refused")
  void hostileManifest() throws IOException {
    StoredModel model = store.publish("tiny", CARD, content(100));
    Path file = model.directory().resolve(Manifest.FILE);
    String good = Files.readString(file);

    for (String path : List.of("../../x", "/etc/passwd", "backbone/../x", "a\\\\b", "")) {
      Files.writeString(file, good.replace("backbone/config.json", path));
      assertThatThrownBy(() -> store.load("tiny"))
          .hasMessageContaining("inside the model's folder");
    }
    Files.writeString(file, good.replace(model.modelId(), "0123456789abcdef"));
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("edited by hand");
    Files.writeString(file, good.replace("\"formatVersion\" : 1", "\"formatVersion\" : 2"));
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("format version 2");
    Files.writeString(file, good.substring(0, good.length() / 2));
    assertThatThrownBy(() -> store.load("tiny")).hasMessageContaining("not valid JSON");
    assertThat(store.list()).isEmpty();
  }

  @Test
  @DisplayName("opening removes what dead writers left, never what living ones write")
  void staleIsRemoved() throws IOException {
    Path dead = Files.createDirectory(root.resolve("staging/dead"));
    Files.writeString(dead.resolve("half.safetensors"), "x");
    Path oldWork = store.workFolder("old");
    Files.setLastModifiedTime(oldWork, FileTime.from(Instant.EPOCH));
    Path freshWork = store.workFolder("fresh");

    store.publish(
        "tiny",
        CARD,
        folder -> {
          content(100).writeTo(folder);
          assertThat(new FileModelStore(root).list()).isEmpty();
          assertThat(folder.resolve("backbone/config.json")).exists();
        });

    assertThat(dead).doesNotExist();
    assertThat(oldWork).doesNotExist();
    assertThat(freshWork).exists();
    assertThat(store.load("tiny").version()).isEqualTo(1);
  }

  @Test
  @DisplayName("concurrent writers each get a version of their own")
  void concurrentWriters() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<StoredModel>> published = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        int size = 100 + i;
        published.add(
            threads.submit(() -> new FileModelStore(root).publish("tiny", CARD, content(size))));
      }
      for (Future<StoredModel> future : published) {
        future.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(store.list()).extracting(StoredModel::version).doesNotHaveDuplicates().hasSize(16);
    store
        .list()
        .forEach(
            model -> {
              try {
                store.load(model.reference());
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  @Test
  @DisplayName(
      "another process's unfinished version is left alone while it lives, removed when killed")
  void otherProcesses() throws Exception {
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                SlowWriter.class.getName(),
                root.toString())
            .redirectErrorStream(true)
            .start();
    try (BufferedReader out = writer.inputReader()) {
      String line = out.readLine();
      while (line != null && !line.startsWith("writing ")) {
        line = out.readLine();
      }
      assertThat(line).isNotNull();
      Path unfinished = Path.of(line.substring("writing ".length()));

      new FileModelStore(root);
      assertThat(unfinished.resolve("half.safetensors")).exists();

      writer.destroyForcibly().waitFor();
      FileModelStore afterwards = new FileModelStore(root);
      assertThat(unfinished).doesNotExist();
      assertThat(afterwards.list()).isEmpty();
      assertThat(afterwards.publish("tiny", CARD, content(10)).version()).isEqualTo(1);
    } finally {
      writer.destroyForcibly();
    }
  }

  /** A process that starts to publish and never finishes. */
  static final class SlowWriter {
    private SlowWriter() {}

    public static void main(String[] args) throws IOException {
      new FileModelStore(Path.of(args[0]))
          .publish(
              "slow",
              CARD,
              folder -> {
                Files.writeString(folder.resolve("half.safetensors"), "x");
                System.out.println("writing " + folder);
                System.out.flush();
                waitToBeKilled();
              });
    }

    private static void waitToBeKilled() {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
