package io.hyperstream.bench.onnx;

import io.hyperstream.model.bench.Opponent;
import io.hyperstream.model.bench.OpponentFactory;
import io.hyperstream.model.checkpoint.Checksums;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * bge-small in ONNX Runtime, from the ONNX files beside this class's jar or folder. Thread-safe.
 */
public final class OnnxRuntimeFactory implements OpponentFactory {
  private static final String MODEL = "bge-small";

  /** A file on Maven Central, in the jar that langchain4j made of it. */
  private enum Original {
    FLOAT32(
        "float32",
        "bge-small-en-v1.5.onnx",
        "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35"),
    INT8(
        "int8",
        "bge-small-en-v1.5-q.onnx",
        "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4");

    private final String format;
    private final String file;
    private final String sha256;

    Original(String format, String file, String sha256) {
      this.format = format;
      this.file = file;
      this.sha256 = sha256;
    }
  }

  private final Path folder;

  public OnnxRuntimeFactory() {
    this(besideThisClass());
  }

  /**
   * @param folder where the ONNX files lie
   */
  OnnxRuntimeFactory(Path folder) {
    this.folder = folder;
  }

  private static Path besideThisClass() {
    try {
      return Path.of(
              OnnxRuntimeFactory.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          .resolveSibling(".")
          .normalize();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("cannot tell where ONNX Runtime's models lie", e);
    }
  }

  private Path path(Original original) {
    return folder.resolve(original.file);
  }

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public List<String> formats(String model) {
    if (!model.equals(MODEL)) {
      throw new IllegalArgumentException(
          "onnxruntime has the original of %s only; it was asked for '%s'".formatted(MODEL, model));
    }
    List<String> formats =
        Arrays.stream(Original.values())
            .filter(original -> Files.exists(path(original)))
            .map(original -> original.format)
            .toList();
    if (!formats.contains(Original.FLOAT32.format)) {
      throw new IllegalStateException(
          "onnxruntime misses its model: expected %s. Build it there with `%s`"
              .formatted(path(Original.FLOAT32), BUILD));
    }
    return formats;
  }

  @Override
  public Opponent open(String model, String format, int threads) throws IOException {
    if (!formats(model).contains(format)) {
      throw new IllegalArgumentException(
          "onnxruntime has %s in %s; it was asked for '%s'"
              .formatted(model, String.join(" and ", formats(model)), format));
    }
    Original original =
        Arrays.stream(Original.values())
            .filter(candidate -> candidate.format.equals(format))
            .findFirst()
            .orElseThrow();
    String actual = Checksums.sha256(path(original));
    if (!actual.equals(original.sha256)) {
      throw new IOException(
          "%s has SHA-256 %s, expected %s: delete it and build it again"
              .formatted(path(original), actual, original.sha256));
    }
    boolean exact = original == Original.FLOAT32;
    return new OnnxRuntime(
        exact ? name() : name() + "-" + format, format, exact, path(original), threads);
  }
}
