package io.hyperstream.bench.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.hyperstream.model.bench.Opponent;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A session of ONNX Runtime on a BERT encoder's ONNX export, with all of its graph optimisations.
 * The vector of a text is the first token's state, scaled to length 1.
 */
final class OnnxRuntime implements Opponent {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final String name;
  private final String format;
  private final boolean exact;
  private final OrtSession session;

  /**
   * @param threads that compute, the caller's among them
   */
  OnnxRuntime(String name, String format, boolean exact, Path onnx, int threads)
      throws IOException {
    this.name = name;
    this.format = format;
    this.exact = exact;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      session = environment.createSession(onnx.toString(), options);
    } catch (OrtException e) {
      throw new IOException("ONNX Runtime does not load " + onnx + ": " + e.getMessage(), e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String about() {
    return "ONNX Runtime " + environment.getVersion() + " " + format;
  }

  @Override
  public boolean exact() {
    return exact;
  }

  @Override
  public float[][] encode(List<int[]> ids) {
    int rows = ids.size();
    int length = ids.stream().mapToInt(row -> row.length).max().orElse(1);
    long[] tokens = new long[rows * length]; // 0 is [PAD]
    long[] mask = new long[rows * length];
    for (int row = 0; row < rows; row++) {
      int[] own = ids.get(row);
      for (int i = 0; i < own.length; i++) {
        tokens[row * length + i] = own[i];
        mask[row * length + i] = 1;
      }
    }
    long[] shape = {rows, length};
    try (OnnxTensor inputIds = tensor(tokens, shape);
        OnnxTensor attentionMask = tensor(mask, shape);
        OnnxTensor segments = tensor(new long[rows * length], shape);
        OrtSession.Result result =
            session.run(
                Map.of(
                    "input_ids", inputIds,
                    "attention_mask", attentionMask,
                    "token_type_ids", segments))) {
      FloatBuffer states = ((OnnxTensor) result.get(0)).getFloatBuffer(); // [rows, length, d]
      float[][] vectors = new float[rows][states.remaining() / (rows * length)];
      for (int row = 0; row < rows; row++) {
        states.get(row * length * vectors[row].length, vectors[row]);
        scale(vectors[row]);
      }
      return vectors;
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private OnnxTensor tensor(long[] values, long[] shape) throws OrtException {
    return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
  }

  private static void scale(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    double length = Math.sqrt(squares);
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / length);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }
}
