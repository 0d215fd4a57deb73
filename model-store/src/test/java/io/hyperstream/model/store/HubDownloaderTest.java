package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.inference.TinyFolder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubDownloaderTest {
  private static final String WEIGHTS = "model.safetensors";
  private static final int SIZE = 600_000;

  private static final ModelImporter.Trial ANYTHING = (backbone, hypernetwork, card) -> {};

  @TempDir Path dir;

  private static HubDownloader.Limits limits(int attempts) {
    return new HubDownloader.Limits(
        1 << 20, attempts, Duration.ofMillis(1), Duration.ofSeconds(10));
  }

  private static HubDownloader downloader(FakeHub hub, int attempts) {
    return new HubDownloader(
        hub.model(), LoadedModel.FAMILIES, HubDownloader.Progress.NONE, limits(attempts));
  }

  private void assertComplete(TinyCheckpoint checkpoint) throws IOException {
    for (String name : checkpoint.files().keySet()) {
      assertThat(dir.resolve(name)).hasBinaryContent(checkpoint.files().get(name));
    }
    assertThat(dir.toFile().list()).noneMatch(name -> name.endsWith(".part"));
  }

  @Test
  @DisplayName("a repository is imported: revision pinned to a commit, token kept from the mirror")
  void importsFromHub() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      FileModelStore store = new FileModelStore(dir);
      List<String> progress = new ArrayList<>();

      StoredModel model =
          new ModelImporter(store, LoadedModel.FAMILIES, ANYTHING)
              .importFromHub(
                  hub.model(),
                  ImportOptions.DEFAULT,
                  (file, bytes, total) ->
                      progress.add(file + " " + bytes + "/" + total.orElse(-1)));

      assertThat(model.reference()).isEqualTo("owner--model@1");
      assertThat(store.load("owner--model").directory().resolve("backbone").resolve(WEIGHTS))
          .hasBinaryContent(checkpoint.files().get(WEIGHTS));
      assertThat(model.manifest().card().source()).contains("/owner/model at main");
      assertThat(progress).contains(WEIGHTS + " 0/" + SIZE, WEIGHTS + " " + SIZE + "/" + SIZE);
      assertThat(hub.requests())
          .contains("/owner/model/resolve/main/config.json +token")
          .contains(
              "/owner/model/resolve/0123456789abcdef0123456789abcdef01234567/"
                  + WEIGHTS
                  + " +token")
          .contains("/cdn/" + WEIGHTS);
      assertThat(dir.resolve("work").toFile().list()).allMatch(name -> name.endsWith(".lock"));
    }
  }

  @Test
  @DisplayName("sharded weights come with every shard of the index")
  void sharded() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.sharded(1000);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      downloader(hub, 1).download(dir);
      assertComplete(checkpoint);
    }
  }

  @Test
  @DisplayName("a connection lost in the middle is resumed with a range in the same call")
  void resumesWithinACall() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.cutOnce(WEIGHTS, 300_000);
      downloader(hub, 3).download(dir);
      assertComplete(checkpoint);
      assertThat(hub.requests()).anyMatch(r -> r.startsWith("/cdn/" + WEIGHTS + " bytes="));
    }
  }

  @Test
  @DisplayName("an interrupted download goes on where it was in the next call")
  void resumesAcrossCalls() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.cutOnce(WEIGHTS, 300_000);
      assertThatThrownBy(() -> downloader(hub, 1).download(dir)).isInstanceOf(IOException.class);
      long kept = Files.size(dir.resolve(WEIGHTS + ".part"));
      assertThat(kept).isBetween(1L, 300_000L);

      downloader(hub, 1).download(dir);

      assertComplete(checkpoint);
      assertThat(hub.requests()).contains("/cdn/" + WEIGHTS + " bytes=" + kept + "-");
    }
  }

  @Test
  @DisplayName("a file that changed meanwhile, or a hub without ranges, is downloaded anew")
  void changedMeanwhile() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.cutOnce(WEIGHTS, 300_000);
      assertThatThrownBy(() -> downloader(hub, 1).download(dir)).isInstanceOf(IOException.class);
      byte[] other = new byte[SIZE - 5];
      hub.replace(WEIGHTS, other);

      downloader(hub, 1).download(dir);

      assertThat(dir.resolve(WEIGHTS)).hasBinaryContent(other);
    }
    Path second = Files.createDirectory(dir.resolve("second"));
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.ignoreRanges();
      hub.cutOnce(WEIGHTS, 300_000);
      downloader(hub, 3).download(second);
      assertThat(second.resolve(WEIGHTS)).hasBinaryContent(checkpoint.files().get(WEIGHTS));
    }
  }

  @Test
  @DisplayName("without a validator nothing is resumed, and the result is right")
  void withoutEtags() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.withoutEtags();
      hub.cutOnce(WEIGHTS, 300_000);
      downloader(hub, 3).download(dir);
      assertComplete(checkpoint);
      assertThat(hub.requests()).noneMatch(r -> r.contains("bytes="));
    }
  }

  @Test
  @DisplayName("a wrong checksum is refused, and nothing of the file is kept")
  void wrongChecksum() throws IOException {
    try (FakeHub hub = new FakeHub(TinyCheckpoint.single(SIZE))) {
      hub.announceWrongChecksum(WEIGHTS);
      assertThatThrownBy(() -> downloader(hub, 3).download(dir))
          .hasMessageContaining(WEIGHTS)
          .hasMessageContaining("refused");
      assertThat(dir.resolve(WEIGHTS)).doesNotExist();
      assertThat(dir.resolve(WEIGHTS + ".part")).doesNotExist();
    }
  }

  @ParameterizedTest
  @CsvSource({"401,pass a token", "403,pass a token", "404,no such repository", "418,answers 418"})
  @DisplayName("a refusal is said at once and in words")
  void refusals(int status, String words) throws IOException {
    try (FakeHub hub = new FakeHub(TinyCheckpoint.single(100))) {
      hub.answer("config.json", status);
      assertThatThrownBy(() -> downloader(hub, 3).download(dir))
          .hasMessageContaining(words)
          .hasMessageContaining("config.json");
      assertThat(hub.requests()).hasSize(1);
    }
  }

  @Test
  @DisplayName("a transfer that goes silent is cut off and resumed")
  void stalled() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(SIZE);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.stallOnce(WEIGHTS, 300_000);
      HubDownloader.Limits impatient =
          new HubDownloader.Limits(1 << 20, 3, Duration.ofMillis(1), Duration.ofMillis(300));
      new HubDownloader(hub.model(), LoadedModel.FAMILIES, HubDownloader.Progress.NONE, impatient)
          .download(dir);
      assertComplete(checkpoint);
      assertThat(hub.requests()).anyMatch(r -> r.startsWith("/cdn/" + WEIGHTS + " bytes="));
    }
  }

  @Test
  @DisplayName("a busy hub is asked again")
  void busy() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(100);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      hub.answer("spiece.model", 503);
      downloader(hub, 2).download(dir);
      assertComplete(checkpoint);
    }
  }

  @Test
  @DisplayName("a file over the limit is refused before it is downloaded")
  void tooLarge() throws IOException {
    try (FakeHub hub = new FakeHub(TinyCheckpoint.single(2 << 20))) {
      assertThatThrownBy(() -> downloader(hub, 3).download(dir))
          .hasMessageContaining("at most " + (1 << 20));
      assertThat(dir.resolve(WEIGHTS + ".part")).doesNotExist();
    }
  }

  @Test
  @DisplayName("a repository without safetensors says so")
  void noWeights() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(100);
    checkpoint.files().remove(WEIGHTS);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      assertThatThrownBy(() -> downloader(hub, 1).download(dir))
          .hasMessageContaining("only safetensors");
    }
  }

  @Test
  @DisplayName(
      "of an encoder come its tokenizer and those of sentence-transformers' files there are")
  void encoder() throws IOException {
    TinyFolder encoder =
        TinyFolder.bert()
            .inShards()
            .file("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true}")
            .file("config_sentence_transformers.json", "{\"prompts\": {}}");
    Map<String, byte[]> there = new HashMap<>(encoder.files());
    there.put("pytorch_model.bin", new byte[10]);
    there.put("onnx/model.onnx", new byte[10]);
    try (FakeHub hub = new FakeHub(there)) {
      StoredModel model =
          LoadedModel.importer(new FileModelStore(dir))
              .importFromHub(hub.model(), ImportOptions.DEFAULT, HubDownloader.Progress.NONE);
      assertThat(hub.requests().get(0)).contains("/config.json");
      assertThat(hub.requests()).noneMatch(r -> r.contains(".bin") || r.contains("spiece"));
      for (Map.Entry<String, byte[]> file : encoder.files().entrySet()) {
        assertThat(model.directory().resolve("backbone").resolve(file.getKey()))
            .hasBinaryContent(file.getValue());
      }
      assertThat(model.manifest().files()).hasSize(encoder.files().size());
    }
  }

  @Test
  @DisplayName("a model that could not be served is refused after the download, and not stored")
  void brokenOnHub() throws IOException {
    TinyFolder broken = TinyFolder.bert().without("embeddings.LayerNorm.bias");
    try (FakeHub hub = new FakeHub(broken.files())) {
      FileModelStore store = new FileModelStore(dir);
      assertThatThrownBy(
              () ->
                  LoadedModel.importer(store)
                      .importFromHub(
                          hub.model(), ImportOptions.DEFAULT, HubDownloader.Progress.NONE))
          .hasMessageContaining("embeddings.LayerNorm.bias");
      assertThat(store.list()).isEmpty();
    }
  }

  @Test
  @DisplayName("a proxy that does not answer is named")
  void deadProxy() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort(); // nobody's from here on
    }
    ProxySelector usual = ProxySelector.getDefault();
    ProxySelector.setDefault(
        ProxySelector.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)));
    try {
      HubModel model = HubModel.parse("https://hub.invalid/owner/model", Optional.empty());
      HubDownloader downloader =
          new HubDownloader(model, LoadedModel.FAMILIES, HubDownloader.Progress.NONE, limits(2));
      assertThatThrownBy(() -> downloader.download(dir))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot reach https://hub.invalid/owner/model")
          .hasMessageContaining(":" + port)
          .hasMessageContaining("HTTPS_PROXY");
    } finally {
      ProxySelector.setDefault(usual);
    }
  }

  @Test
  @DisplayName("a revision with slashes is one part of the path, as the hub wants it")
  void revisionWithSlashes() throws IOException {
    TinyCheckpoint checkpoint = TinyCheckpoint.single(100);
    try (FakeHub hub = new FakeHub(checkpoint)) {
      new HubDownloader(
              hub.model("/tree/refs/pr/7"),
              LoadedModel.FAMILIES,
              HubDownloader.Progress.NONE,
              limits(1))
          .download(dir);
      assertComplete(checkpoint);
      assertThat(hub.requests()).contains("/owner/model/resolve/refs%2Fpr%2F7/config.json +token");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "https://hub.example/google/flan-t5-small,https://hub.example,google/flan-t5-small,main",
    "https://hub.example/t5-small,https://hub.example,t5-small,main",
    "https://hub.example/a/b/resolve/v1.1,https://hub.example,a/b,v1.1",
    "https://hub.example/a/b/tree/main/,https://hub.example,a/b,main",
    "https://hub.example/a/b/resolve/refs%2Fpr%2F7,https://hub.example,a/b,refs/pr/7",
    "https://hub.example/a/b/tree/refs/pr/7,https://hub.example,a/b,refs/pr/7",
    "https://hub.example/a/b/tree/feature/x/,https://hub.example,a/b,feature/x",
    "http://localhost:8080/mirror/x/a/b/resolve/main,http://localhost:8080/mirror/x,a/b,main",
  })
  @DisplayName("addresses are read as people copy them")
  void addresses(String url, String base, String repository, String revision) {
    HubModel model = HubModel.parse(url, Optional.empty());
    assertThat(model.base()).hasToString(base);
    assertThat(model.repository()).isEqualTo(repository);
    assertThat(model.revision()).isEqualTo(revision);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "google/flan-t5-small",
        "ftp://host/a/b",
        "https://host/",
        "https://host/a/../b",
        "https://host/a/b/resolve/../../x",
        "https://host/a/b/resolve/x/..%2F..",
        "https://host/a/b/resolve/refs//7",
        "https://host/a/b/resolve/%3Fx",
        "not an address",
        ""
      })
  @DisplayName("anything else is refused with an example")
  void badAddresses(String url) {
    assertThatThrownBy(() -> HubModel.parse(url, Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
