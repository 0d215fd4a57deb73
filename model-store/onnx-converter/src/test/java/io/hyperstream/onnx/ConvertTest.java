package io.hyperstream.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The converter")
class ConvertTest {
  @TempDir Path dir;
  private Path onnx;
  private Path folder;
  private Path weights;

  @BeforeEach
  void write() throws IOException {
    onnx = Files.write(dir.resolve("tiny.onnx"), new TinyBert().bytes());
    folder = Files.createDirectories(dir.resolve("tiny"));
    weights = folder.resolve("backbone/model.safetensors");
    Files.createDirectories(folder.resolve("backbone"));
    Files.writeString(folder.resolve("backbone/config.json"), "{}");
    Files.writeString(folder.resolve("README.md"), "A card.");
  }

  private String convert(String... options) throws IOException {
    String[] arguments = new String[options.length + 2];
    System.arraycopy(options, 0, arguments, 0, options.length);
    arguments[options.length] = onnx.toString();
    arguments[options.length + 1] = folder.toString();
    return Convert.run(arguments);
  }

  /** What the converter prints becomes what it checks. */
  private void keepSums() throws IOException {
    String said = convert();
    Files.writeString(folder.resolve("SHA256SUMS"), said.substring(said.indexOf('\n') + 1));
  }

  private static void fails(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable run, Object... words) {
    var thrown = assertThatThrownBy(run).isInstanceOf(IOException.class);
    for (Object word : words) {
      thrown.hasMessageContaining(word.toString());
    }
  }

  @Test
  @DisplayName("writes sorted names, aligned data and the numbers themselves, in half precision")
  void format() throws IOException {
    convert();

    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(weights)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) file.getLong()];
    file.get(header);
    String json = new String(header, StandardCharsets.UTF_8);
    assertThat(header.length % 8).isZero();
    assertThat(json)
        .startsWith(
            "{\"__metadata__\":{\"format\":\"pt\"},\"embeddings.LayerNorm.bias\":"
                + "{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                + "\"embeddings.LayerNorm.weight\":{\"dtype\":\"F16\",\"shape\":[4],"
                + "\"data_offsets\":[8,16]}")
        .containsPattern(
            "\"encoder.layer.0.intermediate.dense.weight\":\\{\"dtype\":\"F16\",\"shape\":\\[6,4\\]");
    float[] first = new TinyBert().values("embeddings.LayerNorm.bias");
    for (float value : first) {
      assertThat(HalfPrecision.widen(file.getShort())).isEqualTo(value);
    }
  }

  @Test
  @DisplayName("writes the same bytes each time, twice as many in single precision")
  void formats() throws IOException {
    convert();
    byte[] once = Files.readAllBytes(weights);
    Files.delete(weights);
    convert();
    assertThat(Files.readAllBytes(weights)).isEqualTo(once);
    convert("--f32");
    assertThat(Files.size(weights)).isBetween(2L * once.length - 6000, 2L * once.length);
    assertThat(Files.readString(weights, StandardCharsets.ISO_8859_1)).contains("\"F32\"");
  }

  @Test
  @DisplayName("refuses to round a weight, and leaves nothing behind")
  void lossless() throws IOException {
    String name = "embeddings.LayerNorm.bias";
    Files.write(onnx, new TinyBert().put(name, new float[] {1, 2, 0.1f, 4}, 4).bytes());

    fails(this::convert, weights, name, "0.1", "--f32");
    assertThat(weights.getParent()).isDirectoryNotContaining("glob:**safetensors*");

    convert("--f32");
    assertThat(weights).exists();
    Files.write(onnx, new TinyBert().put(name, new float[] {1, 2, Float.NaN, 4}, 4).bytes());
    fails(() -> convert("--f32"), name, "NaN");
  }

  @Test
  @DisplayName("leaves weights alone that are up to date, and makes the others again")
  void upToDate() throws IOException {
    keepSums();
    FileTime long_ago = FileTime.fromMillis(0);
    Files.setLastModifiedTime(weights, long_ago);

    assertThat(convert()).contains("up to date");
    assertThat(Files.getLastModifiedTime(weights)).isEqualTo(long_ago);

    Files.writeString(weights, "damaged");
    assertThat(convert()).contains("37 tensors in F16");
    assertThat(convert()).contains("up to date");
  }

  @Test
  @DisplayName("holds the whole folder against its checksums, but for the card")
  void sums() throws IOException {
    keepSums();
    assertThat(Files.readString(folder.resolve("SHA256SUMS")))
        .containsPattern("(?m)^[0-9a-f]{64}  backbone/config.json$")
        .doesNotContain("README");

    Files.writeString(folder.resolve("README.md"), "Another card.");
    convert();
    Path config = folder.resolve("backbone/config.json");
    Files.writeString(config, "{ }");
    fails(this::convert, config, "SHA256SUMS says");
    Files.delete(config);
    fails(this::convert, config, "missing");
    Files.writeString(config, "{}");
    Files.writeString(folder.resolve("backbone/more"), "");
    fails(this::convert, folder, "backbone/more");
    Files.delete(folder.resolve("backbone/more"));
    Files.delete(weights);
    fails(() -> convert("--f32"), weights, "SHA256SUMS says");
    Files.writeString(folder.resolve("SHA256SUMS"), "nonsense");
    fails(this::convert, "SHA256SUMS", "'nonsense'");
  }

  @Test
  @DisplayName("says what is wrong with what it was given")
  void arguments() throws IOException {
    String sha256 = ModelSums.sha256(Files.readAllBytes(onnx));
    convert("--sha256", sha256);
    fails(() -> convert("--sha256", "0".repeat(64)), onnx, sha256, "0".repeat(64), "again");
    fails(Convert::run, "usage");
    fails(() -> Convert.run(onnx.toString(), "--sha256"), "usage");
    Files.delete(onnx);
    fails(this::convert, onnx, "is not there");
  }
}
