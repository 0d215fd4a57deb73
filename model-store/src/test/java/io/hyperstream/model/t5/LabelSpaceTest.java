package io.hyperstream.model.t5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LabelSpaceTest {

  @Test
  @DisplayName("labels share their common prefix, and every label keeps its own end")
  void prefixesAreShared() {
    int[][] labels = {{5, 6, 1}, {5, 7, 1}, {5, 1}, {8, 1}};

    LabelSpace space = LabelSpace.of(labels, 0);

    assertThat(space.blocks()).hasSize(1);
    LabelSpace.Block block = space.blocks().get(0);
    assertThat(block.nodes()).isEqualTo(5); // start, 5, 5-6, 5-7, 8
    assertThat(paths(block)).containsExactlyInAnyOrder("5 1 ", "5 6 1 ", "5 7 1 ", "8 1 ");
  }

  @Test
  @DisplayName("a node sees itself and its ancestors, and its depth counts them")
  void ancestry() {
    LabelSpace.Block block =
        LabelSpace.of(new int[][] {{5, 6, 1}, {5, 7, 1}, {8, 1}}, 0).blocks().get(0);
    boolean[][] sees = block.ancestry();
    for (int node = 0; node < block.nodes(); node++) {
      int seen = 0;
      for (boolean s : sees[node]) {
        seen += s ? 1 : 0;
      }
      assertThat(seen).isEqualTo(block.depth()[node] + 1);
      assertThat(sees[node][0]).isTrue();
      assertThat(block.parent()[node]).isLessThan(node);
    }
  }

  @Test
  @DisplayName("a thousand long labels are cut into bounded blocks that lose none")
  void blocksAreBounded() {
    Random random = new Random(7);
    int[][] labels = new int[1000][];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = random.ints(6, 2, 50).toArray();
      labels[i][0] = 2 + i % 40;
      labels[i][4] = 50 + i;
      labels[i][5] = 1;
    }

    LabelSpace space = LabelSpace.of(labels, 0);

    assertThat(space.blocks()).allMatch(b -> b.nodes() <= LabelSpace.MAX_BLOCK_NODES);
    List<Integer> seen = new ArrayList<>();
    for (LabelSpace.Block block : space.blocks()) {
      for (int l = 0; l < block.labels().length; l++) {
        seen.add(block.labels()[l]);
        int[] ids = space.ids(block.labels()[l]);
        int[] path = block.labelEdges()[l];
        for (int t = 0; t < ids.length; t++) {
          assertThat(block.edgeToken()[path[t]]).isEqualTo(ids[t]);
        }
      }
    }
    assertThat(seen).hasSize(1000).doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("labels the tokenizer cannot tell apart are refused by name")
  void indistinguishableLabels() throws IOException {
    try (SentencePieceTokenizer tokenizer =
        SentencePieceTokenizer.open(StarterFiles.directory().resolve("backbone/spiece.model"))) {
      assertThatThrownBy(
              () -> LabelSpace.of(List.of(Label.of("Yes"), Label.of("yes")), tokenizer, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'Yes' and 'yes'");
      assertThatThrownBy(
              () -> LabelSpace.of(List.of(Label.of("a"), new Label("b", "\u200b")), tokenizer, 0))
          .hasMessageContaining("'b'")
          .hasMessageContaining("no tokens");
      assertThatThrownBy(
              () ->
                  LabelSpace.of(
                      List.of(Label.of("a"), new Label("b", "word ".repeat(40))), tokenizer, 0))
          .hasMessageContaining("at most 32");
    }
  }

  private static List<String> paths(LabelSpace.Block block) {
    List<String> out = new ArrayList<>();
    for (int[] edges : block.labelEdges()) {
      StringBuilder path = new StringBuilder();
      for (int edge : edges) {
        path.append(block.edgeToken()[edge]).append(' ');
      }
      out.add(path.toString());
    }
    return out;
  }
}
