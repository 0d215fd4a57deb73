package io.hyperstream.model.evaluation;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A pretrained encoder's ONNX export, unchanged, in ONNX Runtime: what others make of the same
 * weights. One thread.
 */
public final class OriginalEncoder implements AutoCloseable {
  private final OrtEnvironment runtime = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  private OriginalEncoder(Path onnx) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      this.session = runtime.createSession(onnx.toString(), options);
    }
  }

  /** bge-small, where the build unpacked it: the system property {@code parity.onnx}. */
  public static OriginalEncoder bgeSmall() throws OrtException {
    return new OriginalEncoder(path("parity.onnx"));
  }

  /** The tokenizer that lies beside it. */
  public static Path bgeSmallTokenizer() {
    return path("parity.tokenizer");
  }

  private static Path path(String property) {
    String path = System.getProperty(property);
    if (path == null) {
      throw new IllegalStateException(
          property + " is not set; Maven sets it: mvn test -pl model-store -am");
    }
    return Path.of(path);
  }

  /**
   * The last layer's states.
   *
   * @param ids of the tokens, row by row; rows may differ in length
   * @param types of the tokens, of the same shape: 0, or 1 in the second text of a pair
   * @return (rows, longest row, width); beyond a row's end there is nothing that means anything
   */
  public float[][][] states(long[][] ids, long[][] types) throws OrtException {
    int rows = ids.length;
    int length = Arrays.stream(ids).mapToInt(row -> row.length).max().orElseThrow();
    long[] mask = new long[rows * length];
    for (int i = 0; i < rows; i++) {
      Arrays.fill(mask, i * length, i * length + ids[i].length, 1);
    }
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      inputs.put("input_ids", tensor(padded(ids, length), rows, length));
      inputs.put("attention_mask", tensor(mask, rows, length));
      inputs.put("token_type_ids", tensor(padded(types, length), rows, length));
      try (OrtSession.Result result = session.run(inputs)) {
        OnnxTensor states = (OnnxTensor) result.get(0);
        FloatBuffer values = states.getFloatBuffer();
        int width = values.remaining() / (rows * length);
        float[][][] out = new float[rows][length][width];
        for (float[][] row : out) {
          for (float[] state : row) {
            values.get(state);
          }
        }
        return out;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static long[] padded(long[][] rows, int length) {
    long[] out = new long[rows.length * length]; // 0 is [PAD]
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, out, i * length, rows[i].length);
    }
    return out;
  }

  private OnnxTensor tensor(long[] values, int rows, int length) throws OrtException {
    return OnnxTensor.createTensor(runtime, LongBuffer.wrap(values), new long[] {rows, length});
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
