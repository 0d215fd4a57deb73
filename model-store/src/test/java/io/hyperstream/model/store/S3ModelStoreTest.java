package io.hyperstream.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.testing.S3Server;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A model store in S3")
class S3ModelStoreTest extends ModelStoreContract {
  private static final AtomicInteger BUCKETS = new AtomicInteger();

  @TempDir static Path serverFolder;
  private static S3Server server;

  @TempDir Path folder;
  private final List<ModelStore> opened = new ArrayList<>();
  private String bucket;
  private Path objects; // of the store, as the server keeps them
  private ModelStore store;

  @BeforeAll
  static void start() throws Exception {
    server = S3Server.start(serverFolder);
  }

  @AfterAll
  static void stop() throws Exception {
    server.close();
  }

  @BeforeEach
  void open() throws IOException {
    bucket = "bucket-" + BUCKETS.incrementAndGet();
    objects = server.bucket(bucket).resolve("some/where");
    store = machine("one");
  }

  @AfterEach
  void close() {
    opened.forEach(ModelStore::close);
  }

  private static S3Options options(URI endpoint, Path cache, long cacheBytes, int attempts) {
    return new S3Options(
        Optional.of(endpoint),
        Optional.empty(),
        Optional.of(new S3Options.Keys(S3Server.ACCESS_KEY, S3Server.SECRET_KEY, Optional.empty())),
        Optional.empty(),
        cache,
        cacheBytes,
        attempts);
  }

  /** The store as a machine with a cache of its own sees it. */
  private ModelStore machine(String name) throws IOException {
    return machine(name, server.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 3);
  }

  private ModelStore machine(String name, URI endpoint, long cacheBytes, int attempts)
      throws IOException {
    ModelStore machine =
        ModelStores.open(
            "s3://" + bucket + "/some/where",
            options(endpoint, folder.resolve(name), cacheBytes, attempts));
    opened.add(machine);
    return machine;
  }

  @Override
  ModelStore store() {
    return store;
  }

  @Override
  ModelStore another() throws IOException {
    return machine("another" + opened.size());
  }

  @Override
  Path kept(String reference) {
    return objects.resolve(reference);
  }

  private Path objectOf(StoredModel model) throws IOException {
    return objects.resolve("files").resolve(Checksums.sha256(weightsOf(model)));
  }

  @Test
  @DisplayName("publishing again brings back a file that was lost from the bucket")
  void repair() throws IOException {
    StoredModel first = store.publish("tiny", CARD, content(100));
    Files.delete(objectOf(first));
    assertThatThrownBy(() -> machine("two").load("tiny"))
        .hasMessageContaining("files/")
        .hasMessageContaining("it is not there");

    assertThat(store.publish("tiny", CARD, content(100)).version()).isEqualTo(1);
    assertThat(weightsOf(machine("two").load("tiny"))).hasSameBinaryContentAs(weightsOf(first));
  }

  @Test
  @DisplayName("importers on many machines each get a version of their own, all of them whole")
  void concurrentImporters() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try {
      List<Future<StoredModel>> published = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        int size = 100 + i;
        ModelStore importer = machine("importer" + i);
        published.add(threads.submit(() -> importer.publish("tiny", CARD, content(size))));
      }
      Set<String> modelIds = new java.util.HashSet<>();
      for (Future<StoredModel> future : published) {
        modelIds.add(future.get().modelId());
      }
      assertThat(modelIds).hasSize(12);
      ModelStore reader = machine("reader");
      List<StoredModel> all = reader.list();
      assertThat(all).extracting(StoredModel::version).containsExactly(versions(12));
      for (StoredModel model : all) {
        assertThat(reader.load(model.reference()).modelId()).isIn(modelIds);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static Integer[] versions(int count) {
    Integer[] versions = new Integer[count];
    for (int i = 0; i < count; i++) {
      versions[i] = i + 1;
    }
    return versions;
  }

  @Test
  @DisplayName("a writer that died before its manifest leaves no version")
  void deadWriter() throws IOException {
    Files.createDirectories(objects.resolve("models/tiny/1"));
    Files.createDirectories(objects.resolve("files"));
    Files.write(objects.resolve("files/" + "0".repeat(64)), new byte[10]);

    assertThat(store.list()).isEmpty();
    assertThat(store.publish("tiny", CARD, content(100)).version()).isEqualTo(1);
  }

  @Test
  @DisplayName("files of more than a part go up and come down in parts")
  void inParts() throws IOException {
    int size = (int) S3Objects.PART_BYTES + 12_345;
    StoredModel model = store.publish("large", CARD, content(size));

    StoredModel loaded = machine("two").load("large");
    assertThat(Files.size(weightsOf(loaded))).isEqualTo(size);
    assertThat(Checksums.sha256(weightsOf(loaded))).isEqualTo(Checksums.sha256(weightsOf(model)));
  }

  @Test
  @DisplayName("a model is loaded once per machine, and again if its copy was damaged")
  void cached() throws IOException {
    store.publish("tiny", CARD, content(300_000));
    try (FlakyLink link = new FlakyLink(server.address())) {
      Path weights =
          weightsOf(machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 3).load("tiny"));
      long once = link.bytesReceived();
      assertThat(once).isGreaterThan(300_000);

      ModelStore neighbour = machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 3);
      assertThat(weightsOf(neighbour.load("tiny"))).isEqualTo(weights);
      assertThat(link.bytesReceived() - once).isLessThan(20_000);

      Files.write(weights, new byte[300_000]);
      neighbour.load("tiny");
      assertThat(link.bytesReceived() - once).isGreaterThan(300_000);
      assertThat(Checksums.sha256(weights)).isEqualTo(Checksums.sha256(objectNamedBy(weights)));
    }
  }

  private Path objectNamedBy(Path weights) throws IOException {
    return objects.resolve("files").resolve(Checksums.sha256(weights));
  }

  @Test
  @DisplayName("the cache evicts files for what is asked for, but not out of what someone uses")
  void bounded() throws IOException {
    for (String name : List.of("a", "b", "c")) {
      store.publish(name, CARD, content(600_000 + name.charAt(0)));
    }
    long cacheBytes = 1_500_000; // for two
    ModelStore done = machine("small", server.endpoint(), cacheBytes, 3);
    Path a = done.load("a").directory();
    done.close();
    ModelStore busy = machine("small", server.endpoint(), cacheBytes, 3);
    Path b = busy.load("b").directory();
    assertThat(a).exists();

    ModelStore next = machine("small", server.endpoint(), cacheBytes, 3);
    next.load("c");
    assertThat(a).doesNotExist();
    assertThat(b).exists();
    assertThatThrownBy(() -> next.load("a"))
        .hasMessageContaining("hyperstream.model.s3.cache-megabytes");
    busy.close();
    assertThat(next.load("a").directory()).exists();
    assertThat(b).doesNotExist();
  }

  @Test
  @DisplayName("weights of adapters travel once, and again if the copy was damaged")
  void adapterWeights() throws IOException {
    byte[] weights = {1, 2, 3};
    String reference = store.addWeights("me", weights);
    ModelStore other = machine("two");
    Path file = other.weights(reference);

    Files.write(file, new byte[] {1}); // the copy is damaged
    assertThat(other.weights(reference)).isEqualTo(file).hasBinaryContent(weights);
    Files.write(objects.resolve(reference), new byte[] {3, 2, 1}); // now the object
    assertThat(other.weights(reference)).hasBinaryContent(weights);
    assertThatThrownBy(() -> machine("three").weights(reference)).hasMessageContaining("damaged");
  }

  @Test
  @DisplayName("weights stay in the cache while they are used, and can be evicted once given back")
  void weightsAreGivenBack() throws IOException {
    String first = store.addWeights("me", new byte[600]);
    String second = store.addWeights("me", new byte[601]);
    ModelStore small = machine("small", server.endpoint(), 1000, 3);
    Path file = small.weights(first);
    small.weights(first);
    small.releaseWeights(file);
    assertThatThrownBy(() -> small.weights(second)).hasMessageContaining("cache-megabytes");

    small.releaseWeights(file);
    assertThat(small.weights(second)).exists();
    assertThat(file).doesNotExist();
    small.releaseWeights(Path.of("/somewhere/else"));
  }

  @Test
  @DisplayName(
      "outages are waited for: dropped connections, answers cut short, a server that is busy")
  void outages() throws IOException {
    store.publish("tiny", CARD, content(300_000));
    try (FlakyLink link = new FlakyLink(server.address())) {
      link.dropNext()
          .answerNext(503, "SlowDown")
          .answerNext(500, "InternalError")
          .dropNext()
          .cutNextAfter(100_000)
          .cutNextAfter(20_000);
      ModelStore patient = machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 8);
      StoredModel loaded = patient.load("tiny");
      assertThat(Files.size(weightsOf(loaded))).isEqualTo(300_000);
      assertThat(link.isSpent()).isTrue();

      link.hangUp();
      link.dropNext().answerNext(503, "SlowDown").cutNextAfter(5);
      assertThat(patient.publish("tiny", CARD, content(200_000)).version()).isEqualTo(2);
      assertThat(store.list()).hasSize(2);
    }
  }

  @Test
  @DisplayName("an answer that was lost after the version was made does not make another")
  void lostAnswer() throws IOException {
    try (FlakyLink link = new FlakyLink(server.address())) {
      ModelStore writer = machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 8);
      writer.publish("warm", CARD, content(10));
      for (int i = 0; i < 6; i++) { // whichever request it hits, creating the manifest among them
        link.hangUp();
        link.cutNextAfter(1 + i * 150L);
        writer.publish("tiny", CARD, content(100 + i));
      }
    }
    assertThat(store.list())
        .filteredOn(model -> model.name().equals("tiny"))
        .extracting(StoredModel::version)
        .containsExactly(versions(6));
  }

  @Test
  @DisplayName("nor when another importer has published since")
  void lostAnswerAndAnother() throws IOException {
    ModelStore other = machine("three");
    try (FlakyLink link = new FlakyLink(server.address())) {
      ModelStore writer = machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 8);
      link.loseAnswer(
          Manifest.FILE,
          () ->
              assertThatCode(() -> other.publish("tiny", CARD, content(2)))
                  .doesNotThrowAnyException());

      assertThat(writer.publish("tiny", CARD, content(1)).version()).isEqualTo(1);
      assertThat(link.isSpent()).isTrue();
    }
    assertThat(store.list()).extracting(StoredModel::version).containsExactly(versions(2));
  }

  @Test
  @DisplayName(
      "while the server is out, an exact version comes from the cache, anything else fails")
  void servedFromTheCache() throws IOException {
    store.publish("tiny", CARD, content(100));
    FlakyLink link = new FlakyLink(server.address());
    ModelStore cut = machine("two", link.endpoint(), S3Options.DEFAULT_CACHE_BYTES, 2);
    StoredModel before = cut.load("tiny");
    String weights = store.addWeights("me", new byte[] {7});
    cut.weights(weights);
    link.close();

    assertThat(cut.load("tiny@1")).isEqualTo(before);
    assertThat(cut.weights(weights)).hasBinaryContent(new byte[] {7});
    for (String reference : List.of("tiny", "tiny@2", before.modelId())) {
      assertThatThrownBy(() -> cut.load(reference))
          .isInstanceOf(S3StoreException.class)
          .hasMessageContaining("does not answer")
          .hasMessageContaining(link.endpoint().toString());
    }
  }

  @Test
  @DisplayName("a bucket that is not there, or keys that are wrong, are named, not their secret")
  void refusals() throws IOException {
    try (ModelStore nowhere =
        ModelStores.open(
            "s3://no-such-bucket/x", options(server.endpoint(), folder.resolve("x"), 1, 3))) {
      assertThatThrownBy(nowhere::list)
          .hasMessageContaining("there is no bucket no-such-bucket")
          .hasMessageContaining("s3://no-such-bucket/x/");
    }
    for (List<String> keys :
        List.of(
            List.of(S3Server.ACCESS_KEY, "another-secret"),
            List.of("another-key", S3Server.SECRET_KEY))) {
      S3Options wrong =
          new S3Options(
              Optional.of(server.endpoint()),
              Optional.empty(),
              S3Options.keys(Optional.of(keys.get(0)), Optional.of(keys.get(1)), Optional.empty()),
              Optional.empty(),
              folder.resolve("y"),
              1,
              3);
      assertThat(wrong.toString()).doesNotContain(keys.get(1));
      try (ModelStore refused = ModelStores.open("s3://" + bucket, wrong)) {
        assertThatThrownBy(refused::list)
            .isInstanceOf(S3StoreException.class)
            .hasMessageContaining("credentials are wrong")
            .hasMessageNotContaining(keys.get(1));
      }
    }
  }

  @ParameterizedTest
  @DisplayName("other refusals say what to do")
  @CsvSource({
    "403, AccessDenied, s3:PutObject",
    "403, RequestTimeTooSkewed, clock",
    "400, ExpiredToken, run out",
    "400, AuthorizationHeaderMalformed, region",
    "501, NotImplemented, conditional writes",
    "400, SomethingNew, SomethingNew (injected)"
  })
  void otherRefusals(int status, String code, String advice) throws IOException {
    try (FlakyLink link = new FlakyLink(server.address())) {
      for (int i = 0; i < 4; i++) {
        link.answerNext(status, code);
      }
      ModelStore refused = machine("two", link.endpoint(), 1, 3);
      assertThatThrownBy(refused::list)
          .isInstanceOf(S3StoreException.class)
          .hasMessageContaining(advice)
          .hasMessageContaining("s3://" + bucket + "/some/where/");
    }
  }

  @Test
  @DisplayName("a bucket with things that are no manifests, or hostile ones, does no harm")
  void hostile() throws IOException {
    StoredModel good = store.publish("good", CARD, content(100));
    String json = Files.readString(objects.resolve("models/good/1/manifest.json"));
    for (String path : List.of("../../x", "/etc/passwd", "backbone/../x", "a\\\\b")) {
      Path bad = Files.createDirectories(objects.resolve("models/bad/1"));
      Files.writeString(bad.resolve("manifest.json"), json.replace("backbone/config.json", path));
      assertThatThrownBy(() -> store.load("bad")).hasMessageContaining("inside the model's folder");
    }
    Path bad = objects.resolve("models/bad/1/manifest.json");
    Files.writeString(bad, json.replace("\"size\" : 100", "\"size\" : 101"));
    assertThatThrownBy(() -> store.load("bad")).hasMessageContaining("100 of 101 bytes");
    Files.writeString(bad, json.replace("\"size\" : 100", "\"size\" : 99"));
    assertThatThrownBy(() -> store.load("bad")).hasMessageContaining("damaged");
    Files.writeString(bad, json.replace("\"size\" : 100", "\"size\" : 9000000000000"));
    assertThatThrownBy(() -> store.load("bad")).hasMessageContaining("cache-megabytes");
    Files.write(bad, new byte[Manifest.MAX_BYTES + 1]);
    assertThatThrownBy(() -> store.load("bad")).hasMessageContaining("more than 8388608 bytes");
    Files.writeString(objects.resolve("models/README"), "hands off");

    assertThat(store.list()).extracting(StoredModel::modelId).containsExactly(good.modelId());
    try (var left = Files.walk(folder.resolve("one"))) {
      assertThat(left.filter(file -> file.toString().contains("staging/"))).isEmpty();
    }
  }

  @Test
  @DisplayName("several replicas that install the starter model get the same one")
  void starterModel() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      ModelStore other = machine("two");
      Future<StoredModel> theirs = threads.submit(() -> StarterModel.install(other));
      StoredModel ours = StarterModel.install(store);
      assertThat(theirs.get().modelId()).isEqualTo(ours.modelId());
    } finally {
      threads.shutdownNow();
    }
    // The same bytes, so the same version, unless both looked before either wrote.
    assertThat(store.list()).extracting(StoredModel::name).containsOnly(StarterModel.NAME);
    assertThat(StarterModel.install(machine("three")).manifest().files()).isNotEmpty();
  }

  @ParameterizedTest
  @DisplayName("an address that is none is refused")
  @ValueSource(
      strings = {
        "s3://",
        "s3://x",
        "s3:///prefix",
        "s3://bucket/../x",
        "s3://bucket/a b",
        "s3://bucket//x",
        "gs://bucket/x",
        "http://bucket/x"
      })
  void badAddresses(String location) {
    assertThatThrownBy(() -> ModelStores.open(location, S3Options.defaults()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("s3://bucket");
  }

  @Test
  @DisplayName("the environment says where S3 is, as it does for the application")
  void environment() {
    S3Options options =
        S3Options.from(
            Map.of(
                "HYPERSTREAM_MODEL_S3_ENDPOINT", "https://s3.example.com:9000",
                "HYPERSTREAM_MODEL_S3_REGION", "eu-1",
                "HYPERSTREAM_MODEL_S3_ACCESS_KEY_ID", "id",
                "HYPERSTREAM_MODEL_S3_SECRET_ACCESS_KEY", "hush",
                "HYPERSTREAM_MODEL_S3_PATH_STYLE", "false",
                "HYPERSTREAM_MODEL_S3_CACHE_DIR", "/cache",
                "HYPERSTREAM_MODEL_S3_CACHE_MEGABYTES", "2"));
    assertThat(options)
        .isEqualTo(
            new S3Options(
                Optional.of(URI.create("https://s3.example.com:9000")),
                Optional.of("eu-1"),
                Optional.of(new S3Options.Keys("id", "hush", Optional.empty())),
                Optional.of(false),
                Path.of("/cache"),
                2 << 20,
                S3Options.DEFAULT_ATTEMPTS));
    assertThat(S3Options.from(Map.of())).isEqualTo(S3Options.defaults());
    for (Map<String, String> bad :
        List.of(
            Map.of("HYPERSTREAM_MODEL_S3_ACCESS_KEY_ID", "id"),
            Map.of("HYPERSTREAM_MODEL_S3_CACHE_MEGABYTES", "0"),
            Map.of("HYPERSTREAM_MODEL_S3_ATTEMPTS", "1000"),
            Map.of("HYPERSTREAM_MODEL_S3_ENDPOINT", "s3.example.com"))) {
      assertThatThrownBy(() -> S3Options.from(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
