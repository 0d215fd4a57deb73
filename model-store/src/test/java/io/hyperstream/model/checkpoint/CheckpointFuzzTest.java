package io.hyperstream.model.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.testing.Allocation;
import io.hyperstream.testing.Mutations;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

@Label("Checkpoint files from anyone")
class CheckpointFuzzTest {
  private static final long MOST_BYTES = 32L << 20;

  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("fuzz-");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    io.hyperstream.model.store.StoreFiles.deleteTree(folder);
  }

  @FunctionalInterface
  private interface Reading {
    void of(Path file) throws IOException;
  }

  /** Reads a file; the refusals that callers know are fine, anything else is a bug. */
  private static void read(byte[] bytes, String name, Reading reading) throws Exception {
    Path file = Files.write(folder.resolve(name), bytes);
    long allocated =
        Allocation.of(
            () -> {
              try {
                reading.of(file);
              } catch (IOException | CheckpointException e) {
                assertThat(e.getMessage()).isNotBlank();
              }
            });
    assertThat(allocated).as(() -> new String(bytes, UTF_8)).isLessThan(MOST_BYTES);
  }

  private static byte[] safetensors(String header, int data) {
    byte[] json = header.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  @Property(seed = "1")
  @Label("safetensors are read or refused")
  void tensors(@ForAll long seed) throws Exception {
    byte[] good =
        safetensors(
            """
            {"__metadata__": {"format": "pt"},
             "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
             "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]}}""",
            32);
    byte[] empty = safetensors("{}", 0);
    read(
        Mutations.of(List.of(good, empty), seed),
        "model.safetensors",
        file -> {
          Safetensors opened = Safetensors.open(file);
          for (String tensor : opened.names()) {
            TensorInfo info = opened.info(tensor);
            assertThat(info.begin() + info.bytes()).isLessThanOrEqualTo(Files.size(file));
          }
        });
  }

  @Property(seed = "1")
  @Label("a header's JSON is read or refused")
  void headers(@ForAll long seed) throws Exception {
    byte[] json =
        Mutations.of(
            Mutations.utf8(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
                "{\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},\"__metadata__\":{}}"),
            seed);
    read(
        ByteBuffer.allocate(8 + json.length + 24)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .array(),
        "model.safetensors",
        Safetensors::open);
  }

  @Example
  @Label("headers that claim what is not there are refused before it is set aside")
  void claims() throws Exception {
    for (long length : new long[] {100_000_000, Long.MAX_VALUE, -1, Integer.MAX_VALUE, 0, 1}) {
      byte[] bytes = safetensors("{}", 0);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
      read(bytes, "claim.safetensors", Safetensors::open);
    }
    String deep = "[".repeat(100_000);
    read(safetensors("{\"a\":" + deep, 0), "deep.safetensors", Safetensors::open);
    read(
        safetensors(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
            0),
        "overflow.safetensors",
        Safetensors::open);
  }

  @Property(seed = "1")
  @Label("an index names files beside itself, or is refused")
  void index(@ForAll long seed) throws Exception {
    byte[] bytes =
        Mutations.of(
            Mutations.utf8(
                "{\"weight_map\": {\"a\": \"x-1.safetensors\", \"b\": \"x-2.safetensors\"}}",
                "{\"weight_map\": {\"a\": \"../x.safetensors\", \"b\": \"/etc/passwd\"}}"),
            seed);
    read(
        bytes,
        "model.safetensors.index.json",
        file -> {
          for (String shard : HuggingFaceLayout.shards(bytes, "index")) {
            assertThat(folder.resolve(shard).normalize().getParent()).isEqualTo(folder);
          }
          ShardedSafetensors.open(file);
        });
  }

  @Property(seed = "1")
  @Label("configurations are read or refused")
  void configurations(@ForAll long seed) throws Exception {
    List<byte[]> examples =
        Mutations.utf8(
            """
            {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 32128,
             "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_heads": 8,
             "feed_forward_proj": "gated-gelu", "layer_norm_epsilon": 1e-6, "n_positions": 512}""",
            """
            {"kind": "meta-adapter", "efficient_unique_hyper_net": true, "tasks": ["a", "b"],
             "reduction_factor": 16, "task_embedding_dim": 64, "non_linearity": "swish"}""");
    byte[] bytes = Mutations.of(examples, seed);
    read(bytes, "config.json", T5Config::read);
    read(bytes, "adapter_config.json", AdapterConfig::read);
  }

  @Property(seed = "1")
  @Label("manifests are read or refused, and never name a file outside their folder")
  void manifests(@ForAll long seed) throws Exception {
    Path model = Files.createDirectories(folder.resolve("model/backbone"));
    Files.writeString(model.resolve("config.json"), "{}");
    ModelCard card = new ModelCard(64, 16, Map.of("accuracy", 0.5), "MIT", "a test", "none");
    byte[] good = Manifest.describe("tiny", model.getParent(), card).toJson();
    byte[] bytes = Mutations.of(List.of(good), seed);
    read(
        bytes,
        "manifest.json",
        file -> {
          for (Manifest.FileEntry entry : Manifest.parse(bytes, "manifest").files()) {
            assertThat(folder.resolve(entry.path()).normalize()).startsWithRaw(folder);
          }
        });
  }

  @Property(seed = "1")
  @Label("lists of tasks and of checksums are read or refused")
  void lists(@ForAll long seed) throws Exception {
    byte[] tasks = Files.readAllBytes(StarterFiles.directory().resolve("tasks.json"));
    byte[] some =
        new ObjectMapper().writeValueAsBytes(List.of(new ObjectMapper().readTree(tasks).get(0)));
    byte[] bytes = Mutations.of(List.of(some), seed);
    read(
        bytes,
        "tasks.json",
        file -> SourceTask.readAll(new ByteArrayInputStream(bytes), file.toString()));
    byte[] sums =
        Mutations.of(
            List.of(Files.readAllBytes(StarterFiles.directory().resolve("SHA256SUMS"))), seed);
    read(
        sums,
        "SHA256SUMS",
        file -> {
          List<String> lines = new String(sums, UTF_8).lines().toList();
          for (String path : Checksums.parseSums(lines, "sums").keySet()) {
            assertThat(folder.resolve(path).normalize()).startsWithRaw(folder);
          }
        });
  }

  @Example
  @Label("what is too large is refused unread")
  void tooLarge() throws Exception {
    byte[] large = new byte[33 << 20];
    Path file = Files.write(folder.resolve("config.json"), large);
    for (Reading reading : List.<Reading>of(T5Config::read, AdapterConfig::read)) {
      assertThatThrownBy(() -> reading.of(file)).hasMessageContaining("larger than");
    }
  }
}
