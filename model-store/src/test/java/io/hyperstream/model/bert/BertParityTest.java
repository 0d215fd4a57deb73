package io.hyperstream.model.bert;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDScope;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("bge-small against ONNX Runtime on the file it was converted from")
class BertParityTest {
  private static final double TOLERANCE = 2e-5;
  private static final int TOKENS_AT_ONCE = 2048;

  private static FamilyModel model;
  private static OrtEnvironment environment;
  private static OrtSession reference;

  @BeforeAll
  static void open() throws IOException, OrtException {
    Ops.inferenceThread();
    HuggingFaceLayout files = HuggingFaceLayout.open(BgeSmall.backbone());
    model =
        new BertFamily()
            .open(
                files,
                ShardedSafetensors.openFolder(files.directory()),
                Optional.empty(),
                new ReadoutOptions(512, 2, 1, 1, 1 << 20, Precision.F32));
    environment = OrtEnvironment.getEnvironment();
    reference =
        environment.createSession(
            Path.of(System.getProperty("parity.onnx")).toString(), new OrtSession.SessionOptions());
  }

  @AfterAll
  static void close() throws OrtException {
    reference.close();
    model.close();
  }

  @Test
  @DisplayName("states and vectors of 200 texts of all lengths and many scripts are the same")
  void states() throws OrtException {
    List<TokenSequence> sequences = new ArrayList<>();
    for (String text : TrickyTexts.all()) {
      sequences.add(new TokenSequence(model.tokenizer().encode(text, 512).ids()));
    }
    assertThat(sequences).hasSizeGreaterThanOrEqualTo(200);
    assertThat(sequences).anyMatch(sequence -> sequence.length() == 512);
    sequences.sort(java.util.Comparator.comparingInt(TokenSequence::length));
    double worst = 0;
    for (int from = 0; from < sequences.size(); ) {
      int to = from + 1;
      while (to < sequences.size()
          && sequences.get(to).length() * (to + 1 - from) <= TOKENS_AT_ONCE) {
        to++;
      }
      worst = Math.max(worst, compare(sequences.subList(from, to)));
      from = to;
    }
    assertThat(worst).isLessThanOrEqualTo(TOLERANCE);
  }

  @Test
  @DisplayName("pairs are told apart by their segments, as the reference does")
  void pairs() throws OrtException {
    List<TokenSequence> pairs = new ArrayList<>();
    List<String> texts = TrickyTexts.all().subList(0, 40);
    for (int i = 0; i + 1 < texts.size(); i += 2) {
      int[] first = model.tokenizer().pieces(texts.get(i));
      int[] second = model.tokenizer().pieces(texts.get(i + 1));
      var pair = model.tokenizer().wrap(first, second);
      if (pair.ids().length <= 512) {
        pairs.add(new TokenSequence(pair.ids(), pair.secondFrom()));
      }
    }
    assertThat(pairs).hasSizeGreaterThan(10).allMatch(pair -> pair.secondFrom() < pair.length());
    for (TokenSequence pair : pairs) {
      assertThat(compare(List.of(pair))).isLessThanOrEqualTo(TOLERANCE);
    }
  }

  /** The largest difference, relative where numbers are larger than 1. */
  private static double compare(List<TokenSequence> sequences) throws OrtException {
    int rows = sequences.size();
    int length = sequences.stream().mapToInt(TokenSequence::length).max().orElseThrow();
    float[][][] expected = expected(sequences, length);
    double worst = 0;
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Encoded encoded =
          model.backbone().encode(TokenBatch.of(model.backbone(), sequences), AdapterHook.NONE);
      float[] states = encoded.states().toFloatArray();
      float[][] vectors = model.rows().pool(encoded);
      int padded = TokenBatch.paddedLength(length);
      int width = model.backbone().shape().width();
      for (int row = 0; row < rows; row++) {
        for (int token = 0; token < sequences.get(row).length(); token++) {
          for (int i = 0; i < width; i++) {
            double ours = states[(row * padded + token) * width + i];
            worst = Math.max(worst, difference(ours, expected[row][token][i]));
          }
        }
        double squares = 0;
        for (float value : expected[row][0]) {
          squares += (double) value * value;
        }
        for (int i = 0; i < width; i++) {
          double reference = expected[row][0][i] / Math.sqrt(squares);
          worst = Math.max(worst, difference(vectors[row][i], reference));
        }
      }
    }
    return worst;
  }

  private static double difference(double ours, double reference) {
    return Math.abs(ours - reference) / Math.max(1, Math.abs(reference));
  }

  private static float[][][] expected(List<TokenSequence> sequences, int length)
      throws OrtException {
    int rows = sequences.size();
    LongBuffer ids = LongBuffer.allocate(rows * length);
    LongBuffer mask = LongBuffer.allocate(rows * length);
    LongBuffer segments = LongBuffer.allocate(rows * length);
    for (TokenSequence sequence : sequences) {
      for (int i = 0; i < length; i++) {
        boolean token = i < sequence.length();
        ids.put(token ? sequence.ids()[i] : 0);
        mask.put(token ? 1 : 0);
        segments.put(token && i >= sequence.secondFrom() ? 1 : 0);
      }
    }
    long[] shape = {rows, length};
    try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, ids.flip(), shape);
        OnnxTensor maskTensor = OnnxTensor.createTensor(environment, mask.flip(), shape);
        OnnxTensor segmentTensor = OnnxTensor.createTensor(environment, segments.flip(), shape);
        OrtSession.Result result =
            reference.run(
                Map.of(
                    "input_ids", idTensor,
                    "attention_mask", maskTensor,
                    "token_type_ids", segmentTensor))) {
      return (float[][][]) result.get(0).getValue();
    }
  }
}
