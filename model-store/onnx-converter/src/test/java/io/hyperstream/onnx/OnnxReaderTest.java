package io.hyperstream.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("An ONNX file")
class OnnxReaderTest {
  private static final byte[] WHOLE = new TinyBert().bytes();

  private static void refused(byte[] model, String... words) {
    assertThatThrownBy(() -> OnnxReader.read(model, "some.onnx"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("some.onnx")
        .hasMessageContainingAll(words);
  }

  @Test
  @DisplayName("cut off anywhere within its graph is refused, also between two parts of it")
  void truncated() {
    int afterGraph = WHOLE.length - 4; // the version of the operators
    for (int length = 0; length < afterGraph; length += 3) {
      byte[] part = Arrays.copyOf(WHOLE, length);
      assertThatThrownBy(() -> OnnxReader.read(part, "some.onnx"))
          .as("%d bytes", length)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("some.onnx");
    }
    refused(Arrays.copyOf(WHOLE, WHOLE.length / 2), "cannot be read", "of " + WHOLE.length / 2);
  }

  @Test
  @DisplayName("that is something else is refused")
  void somethingElse() {
    refused(new byte[0], "no graph");
    refused(TinyBert.message(out -> out.writeInt64(1, 6)), "no graph");
    refused("<html>not found</html>".getBytes(StandardCharsets.UTF_8), "get the file again");
  }

  @Test
  @DisplayName("whose tensors are larger or smaller than they say is refused")
  void sizes() {
    refused(
        new TinyBert().put("short", new float[3], 2, 2).bytes(), "'short'", "12", "[2, 2]", "16");
    refused(
        new TinyBert().put("huge", new float[1], 1 << 30, 1 << 30, 1 << 30).bytes(),
        "'huge'",
        "larger than the file");
    refused(new TinyBert().put("negative", new float[1], -1).bytes(), "'negative'");
  }

  @Test
  @DisplayName("that keeps weights in another file, or one twice, is refused")
  void elsewhere() {
    byte[] tensor =
        TinyBert.message(
            out -> {
              out.writeInt64(1, 1);
              out.writeInt32(2, 1);
              out.writeString(8, "far");
              out.writeByteArray(13, TinyBert.message(entry -> entry.writeString(1, "location")));
            });
    refused(
        TinyBert.message(
            out ->
                out.writeByteArray(7, TinyBert.message(graph -> graph.writeByteArray(5, tensor)))),
        "'far'",
        "another file");
    byte[] twice =
        TinyBert.message(
            graph -> {
              for (int i = 0; i < 2; i++) {
                graph.writeByteArray(5, TinyBert.message(out -> out.writeString(8, "same")));
              }
            });
    refused(TinyBert.message(out -> out.writeByteArray(7, twice)), "two initializers 'same'");
  }

  @Test
  @DisplayName("with any byte damaged is read or refused, and nothing else happens")
  void damaged() {
    int[] flips = {0x01, 0x80, 0x02, 0xff};
    for (int at = 0; at < WHOLE.length; at++) {
      byte[] damaged = WHOLE.clone();
      damaged[at] ^= (byte) flips[at % flips.length];
      try {
        BertWeights.of(OnnxReader.read(damaged, "some.onnx"));
      } catch (IOException e) {
        assertThat(e).hasMessageStartingWith("some.onnx");
      }
    }
  }
}
