package io.hyperstream.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/**
 * The program: makes {@code FOLDER/backbone/model.safetensors} of an ONNX export and holds the
 * folder against its {@code SHA256SUMS}. Weights that are there already, byte for byte, are not
 * made again; without {@code SHA256SUMS} it prints what that would say.
 *
 * <pre>Convert [--f32] [--sha256 HEX] ONNX FOLDER</pre>
 *
 * Float16 unless {@code --f32} is given, and only if no weight loses anything.
 */
public final class Convert {
  private static final String USAGE = "usage: Convert [--f32] [--sha256 HEX] ONNX FOLDER";

  private Convert() {}

  /** Exits with 1 if it fails, after a sentence on standard error. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    try {
      System.out.println(run(arguments));
    } catch (IOException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  /** What {@link #main} does; returns what it prints. */
  static String run(String... arguments) throws IOException {
    SafetensorsFile.Format format = SafetensorsFile.Format.F16;
    String sha256 = "";
    List<Path> paths = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--f32" -> format = SafetensorsFile.Format.F32;
        case "--sha256" -> sha256 = i + 1 < arguments.length ? arguments[++i] : "?";
        default -> paths.add(Path.of(arguments[i]));
      }
    }
    if (paths.size() != 2) {
      throw new IOException(USAGE);
    }
    return convert(paths.get(0), sha256, paths.get(1), format);
  }

  private static String convert(
      Path onnx, String sha256, Path folder, SafetensorsFile.Format format) throws IOException {
    ModelSums sums = ModelSums.read(folder);
    Path weights = folder.resolve("backbone").resolve("model.safetensors");
    String done = weights + " is up to date";
    if (!sums.has(weights)) {
      SortedMap<String, BertWeights.Tensor> tensors =
          BertWeights.of(OnnxReader.read(readModel(onnx, sha256), onnx.toString()));
      Files.createDirectories(weights.getParent());
      SafetensorsFile.write(weights, tensors, format);
      done =
          "%s: %d tensors in %s, %d bytes"
              .formatted(weights, tensors.size(), format, Files.size(weights));
    }
    if (sums.isEmpty()) {
      return done + "; SHA256SUMS would be\n" + sums.describe();
    }
    sums.verify();
    return done;
  }

  private static byte[] readModel(Path onnx, String sha256) throws IOException {
    if (!Files.isRegularFile(onnx)) {
      throw new IOException(onnx + " is not there; expected the ONNX file to convert");
    }
    byte[] model = Files.readAllBytes(onnx);
    String actual = ModelSums.sha256(model);
    if (!sha256.isEmpty() && !actual.equals(sha256)) {
      throw new IOException(
          "%s has SHA-256 %s, expected %s: it is not the file this build is for; get it again"
              .formatted(onnx, actual, sha256));
    }
    return model;
  }
}
