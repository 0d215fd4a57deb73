package io.hyperstream.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("Safetensors")
class SafetensorsTest {
  private static final String A = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

  @TempDir Path folder;

  @Test
  @DisplayName("what is written is read back, with its shapes, types and metadata")
  void roundTrip() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (NDManager manager = Ops.newManager()) {
      new SafetensorsWriter()
          .metadata("format", "pt")
          .add("floats", new float[] {1.5f, -2, Float.MIN_VALUE, 4, 5, 6}, 2, 3)
          .add("scalar", new float[] {7}, new long[0])
          .add("ids", manager.create(new long[] {1, Long.MAX_VALUE}))
          .addHalf("halves", manager.create(new float[] {0.1f, 65504, -0.25f}))
          .write(file);

      Safetensors read = Safetensors.open(file);

      assertThat(read.names()).containsExactlyInAnyOrder("floats", "scalar", "ids", "halves");
      assertThat(read.metadata()).isEqualTo(Map.of("format", "pt"));
      NDArray floats = read.read(manager, "floats", 2, 3);
      assertThat(floats.toFloatArray()).containsExactly(1.5f, -2, Float.MIN_VALUE, 4, 5, 6);
      assertThat(read.read(manager, "scalar").getShape()).isEqualTo(new Shape());
      assertThat(read.read(manager, "ids").toLongArray()).containsExactly(1, Long.MAX_VALUE);
      NDArray halves = read.read(manager, "halves");
      assertThat(halves.getDataType()).isEqualTo(DataType.FLOAT32);
      assertThat(halves.toFloatArray()).containsExactly(0.099975586f, 65504, -0.25f);
    }
  }

  @Test
  @DisplayName("what is streamed is written as what is added, a part of a tensor too")
  void streamed() throws IOException {
    try (NDManager manager = Ops.newManager()) {
      NDArray table = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(3, 2));
      NDArray scalar = manager.create(7f);
      NDArray part = Ops.slice(table, 0, 1, 3);
      NDArray turned = Ops.swapAxes(table, 0, 1);
      new SafetensorsWriter()
          .add("part", part)
          .add("scalar", scalar)
          .add("turned", turned)
          .write(folder.resolve("added"));
      new SafetensorsWriter()
          .stream("part", part).stream("scalar", scalar).stream("turned", turned)
              .write(folder.resolve("streamed"));
      Safetensors read = Safetensors.open(folder.resolve("streamed"));
      assertThat(read.read(manager, "part", 2, 2).toFloatArray()).containsExactly(3, 4, 5, 6);
      assertThat(read.read(manager, "turned", 2, 3).toFloatArray())
          .containsExactly(1, 3, 5, 2, 4, 6);
    }
    assertThat(folder.resolve("streamed")).hasSameBinaryContentAs(folder.resolve("added"));
  }

  @Test
  @DisplayName("bfloat16 arrives as float32, also from an odd offset")
  void brainFloat() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(1 + 6 + 4).order(ByteOrder.LITTLE_ENDIAN);
    data.put((byte) 9).putShort((short) 0x3FC0).putShort((short) 0xC000).putShort((short) 0x7F7F);
    data.putFloat(2.5f);
    Path file =
        file(
            "{\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                + "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[1,7]},"
                + "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[7,11]}}",
            data.array());
    try (NDManager manager = Ops.newManager()) {
      Safetensors read = Safetensors.open(file);

      assertThat(read.read(manager, "b").toFloatArray())
          .containsExactly(1.5f, -2, Float.intBitsToFloat(0x7F7F0000));
      assertThat(read.read(manager, "f").toFloatArray()).containsExactly(2.5f);
      assertThat(read.read(manager, "u").toUint8Array()).containsExactly(9);
    }
  }

  @Test
  @DisplayName("the same tensors give the same bytes, whatever order they are added in")
  void deterministic() throws IOException {
    float[] values = {1, 2};
    new SafetensorsWriter().add("a", values, 2).add("b", values, 2).write(folder.resolve("1"));
    new SafetensorsWriter().add("b", values, 2).add("a", values, 2).write(folder.resolve("2"));

    assertThat(folder.resolve("1")).hasSameBinaryContentAs(folder.resolve("2"));
    assertThatThrownBy(() -> new SafetensorsWriter().add("a", values, 2).add("a", values, 2))
        .hasMessageContaining("'a' is there already");
    assertThatThrownBy(() -> new SafetensorsWriter().add("a", values, 3))
        .hasMessageContaining("needs 12 bytes; it has 8");
  }

  static Stream<Arguments> damaged() {
    return Stream.of(
        Arguments.of("{" + A + "}", 7, "tensor 'a'", "truncated"),
        Arguments.of("{" + A + "}", 9, "1 bytes at its end that belong to no tensor", ""),
        Arguments.of("{" + A.replace("[2]", "[3]") + "}", 8, "needs 12 bytes", "give it 8"),
        Arguments.of("{" + A.replace("[2]", "[-2]") + "}", 8, "'a'", "non-negative"),
        Arguments.of("{" + A.replace("[2]", "[2.0]") + "}", 8, "'a'", "integers"),
        Arguments.of(
            "{" + A.replace("[2]", "[4611686018427387904,4]") + "}", 8, "'a'", "impossible"),
        Arguments.of("{" + A.replace("F32", "F7") + "}", 8, "'a'", "unknown dtype"),
        Arguments.of("{" + A.replace("[0,8]", "[8,0]") + "}", 8, "'a'", "claims bytes 8 to 0"),
        Arguments.of("{" + A.replace("[0,8]", "[0]") + "}", 8, "'a'", "two data_offsets"),
        Arguments.of("{" + A.replace("[0,8]", "[-8,0]") + "}", 8, "'a'", "non-negative"),
        Arguments.of(
            "{" + A.replace("[0,8]", "[0,99999999999999999999]") + "}", 8, "'a'", "integers"),
        Arguments.of("{" + A + "," + A + "}", 8, "not valid JSON", "Duplicate"),
        Arguments.of(
            "{" + A + "," + A.replace("\"a\"", "\"b\"").replace("[0,8]", "[4,12]") + "}",
            12,
            "tensor 'b'",
            "overlaps"),
        Arguments.of(
            "{" + A + "," + A.replace("\"a\"", "\"b\"").replace("[0,8]", "[12,20]") + "}",
            20,
            "tensor 'b'",
            "gap"),
        Arguments.of("{\"a\":5}", 0, "'a'", "unknown dtype"),
        Arguments.of("{\"a\":", 0, "not valid JSON", ""),
        Arguments.of("{}x", 0, "not valid JSON", ""),
        Arguments.of("[1,2]", 0, "does not start with '{'", ""));
  }

  @ParameterizedTest(name = "{0} with {1} bytes of data")
  @MethodSource("damaged")
  @DisplayName("a header that lies is refused, naming the file and what is wrong")
  void lyingHeaders(String header, int dataBytes, String what, String why) throws IOException {
    Path file = file(header, new byte[dataBytes]);

    assertThatThrownBy(() -> Safetensors.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(what)
        .hasMessageContaining(why);
  }

  @Test
  @DisplayName("a header length beyond the file or the format's limit is refused unread")
  void headerLengths() throws IOException {
    Path file = folder.resolve("short");
    Files.write(file, new byte[5]);
    assertThatThrownBy(() -> Safetensors.open(file)).hasMessageContaining("5 bytes long");
    for (long length : new long[] {-1, 0, 100_000_001L, Long.MAX_VALUE}) {
      Files.write(file, prefix(length, new byte[100]));
      assertThatThrownBy(() -> Safetensors.open(file))
          .hasMessageContaining("must be 2 to 100000000");
    }
    Files.write(file, prefix(1000, "{}".getBytes(StandardCharsets.UTF_8)));
    assertThatThrownBy(() -> Safetensors.open(file)).hasMessageContaining("is cut off");
  }

  @Test
  @DisplayName("every truncation of a good file is refused")
  void truncations() throws IOException {
    Path good = file("{" + A + "}", new byte[8]);
    byte[] bytes = Files.readAllBytes(good);
    Path cut = folder.resolve("cut");
    for (int n = 0; n < bytes.length; n++) {
      Files.write(cut, Arrays.copyOf(bytes, n));
      assertThatThrownBy(() -> Safetensors.open(cut)).isInstanceOf(CheckpointException.class);
    }
  }

  @Test
  @DisplayName("whatever bytes of a header are changed, it is read or refused, nothing else")
  void changedBytes() throws IOException {
    byte[] good = Files.readAllBytes(file("{" + A + "}", new byte[8]));
    Path changed = folder.resolve("changed");
    Random random = new Random(1);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = good.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        bytes[random.nextInt(bytes.length - 8)] = (byte) random.nextInt(256);
      }
      Files.write(changed, bytes);
      try {
        Safetensors.open(changed);
      } catch (CheckpointException e) {
        assertThat(e).hasMessageContaining("changed");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(2000);
  }

  @Test
  @DisplayName("a tensor that is missing or of another shape is named with what was expected")
  void wrongShape() throws IOException {
    Safetensors read = Safetensors.open(file("{" + A + "}", new byte[8]));
    try (NDManager manager = Ops.newManager()) {
      assertThatThrownBy(() -> read.read(manager, "a", 1, 2))
          .hasMessageContaining("'a' has shape [2]; the configuration asks for [1, 2]");
      assertThatThrownBy(() -> read.read(manager, "b")).hasMessageContaining("no tensor 'b'");
    }
  }

  @Test
  @DisplayName("a file that changes after it was opened is refused, not read past its end")
  void changedFile() throws IOException {
    Path file = file("{" + A + "}", new byte[8]);
    Safetensors read = Safetensors.open(file);
    Files.write(file, new byte[3]);
    try (NDManager manager = Ops.newManager()) {
      assertThatThrownBy(() -> read.read(manager, "a")).hasMessageContaining("changed since");
    }
  }

  @Test
  @DisplayName("a file beyond 2 GiB is read; a single tensor beyond it gets a clear error")
  void largeFile() throws IOException {
    long big = 2_200_000_000L;
    String header =
        "{\"big\":{\"dtype\":\"U8\",\"shape\":["
            + big
            + "],\"data_offsets\":[0,"
            + big
            + "]},\"last\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":["
            + big
            + ","
            + (big + 8)
            + "]}}";
    Path file = file(header, new byte[0]);
    long dataStart = Files.size(file);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(dataStart + big + 8);
      sparse.seek(dataStart + big);
      sparse.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(3).putFloat(4).array());
    }
    Safetensors read = Safetensors.open(file);
    try (NDManager manager = Ops.newManager()) {
      assertThat(read.read(manager, "last").toFloatArray()).containsExactly(3, 4);
      assertThatThrownBy(() -> read.read(manager, "big"))
          .hasMessageContaining("'big' is too large: one tensor must stay below 2 GiB");
    }
  }

  @Test
  @DisplayName("shards are found through their index; an index that lies is refused")
  void shards() throws IOException {
    new SafetensorsWriter().add("x", new float[] {1}, 1).write(folder.resolve("1.safetensors"));
    new SafetensorsWriter().add("y", new float[] {2}, 1).write(folder.resolve("2.safetensors"));
    index("\"x\":\"1.safetensors\",\"y\":\"2.safetensors\"");
    try (NDManager manager = Ops.newManager()) {
      TensorSource source = ShardedSafetensors.openFolder(folder);
      assertThat(source.names()).containsExactly("x", "y");
      assertThat(source.read(manager, "y", 1).toFloatArray()).containsExactly(2);
    }

    index("\"x\":\"2.safetensors\"");
    assertThatThrownBy(() -> ShardedSafetensors.openFolder(folder))
        .hasMessageContaining("no tensor 'x'");
    for (String name : new String[] {"../1.safetensors", "3.safetensors", "/etc/passwd"}) {
      index("\"x\":\"" + name + "\"");
      assertThatThrownBy(() -> ShardedSafetensors.openFolder(folder))
          .hasMessageContaining("names the shard '" + name + "'");
    }
    index("");
    assertThatThrownBy(() -> ShardedSafetensors.openFolder(folder))
        .hasMessageContaining("weight_map");
    Files.delete(folder.resolve(ShardedSafetensors.INDEX));
    assertThatThrownBy(() -> ShardedSafetensors.openFolder(folder))
        .hasMessageContaining("neither model.safetensors nor");
  }

  private void index(String entries) throws IOException {
    Files.writeString(
        folder.resolve(ShardedSafetensors.INDEX), "{\"weight_map\":{" + entries + "}}");
  }

  private Path file(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(json, json.length + data.length);
    System.arraycopy(data, 0, all, json.length, data.length);
    return Files.write(folder.resolve("file.safetensors"), prefix(json.length, all));
  }

  private static byte[] prefix(long length, byte[] rest) {
    return ByteBuffer.allocate(8 + rest.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(rest)
        .array();
  }
}
