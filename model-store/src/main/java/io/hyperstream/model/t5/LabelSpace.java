package io.hyperstream.model.t5;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The labels of one task as token sequences, arranged so that the exact score of all of them takes
 * one decoder pass: prefixes are shared in a trie, the trie is flattened, and a node attends to its
 * ancestors only. Immutable.
 *
 * <p>A large trie is cut into {@link Block}s of at most {@value #MAX_BLOCK_NODES} nodes (each with
 * its own copy of the shared prefixes), because attention inside a block is quadratic.
 */
public final class LabelSpace {
  /** Longest verbalizer, end token included. */
  public static final int MAX_LABEL_TOKENS = 32;

  /** Largest number of decoder positions in one block. */
  public static final int MAX_BLOCK_NODES = 128;

  /**
   * A part of the trie. Node 0 is the decoder's start; node {@code i} stands for a prefix of a
   * label and comes after its parent.
   *
   * @param tokens [nodes] decoder input ids
   * @param depth [nodes] the position of a node: 0 for the start
   * @param parent [nodes] index of the node before it, -1 for the start
   * @param edgeNode [edges] the node whose output predicts the edge's token
   * @param edgeToken [edges] the token predicted: the next of a label, or the end token
   * @param labels [labels in this block] their indices in the task
   * @param labelEdges [labels in this block][] the edges whose log-probabilities sum to the score
   */
  public record Block(
      int[] tokens,
      int[] depth,
      int[] parent,
      int[] edgeNode,
      int[] edgeToken,
      int[] labels,
      int[][] labelEdges) {

    /** Number of decoder positions. */
    public int nodes() {
      return tokens.length;
    }

    /** [nodes][nodes]: whether a node (row) sees another (column): itself and its ancestors. */
    public boolean[][] ancestry() {
      boolean[][] sees = new boolean[nodes()][nodes()];
      for (int i = 0; i < nodes(); i++) {
        if (parent[i] >= 0) {
          System.arraycopy(sees[parent[i]], 0, sees[i], 0, i);
        }
        sees[i][i] = true;
      }
      return sees;
    }
  }

  private final int[][] labelIds;
  private final List<Block> blocks;

  private LabelSpace(int[][] labelIds, List<Block> blocks) {
    this.labelIds = labelIds;
    this.blocks = blocks;
  }

  /**
   * Tokenises the labels of a classification task.
   *
   * @param startId the decoder's start token
   * @throws IllegalArgumentException if a verbalizer has no or too many tokens, or if two labels
   *     have the same tokens, so that no score could tell them apart
   */
  public static LabelSpace of(List<Label> labels, Tokenizer tokenizer, int startId) {
    int[][] ids = new int[labels.size()][];
    Map<List<Integer>, Label> seen = new HashMap<>();
    for (int i = 0; i < ids.length; i++) {
      Label label = labels.get(i);
      ids[i] = tokenizer.encode(label.verbalizer());
      if (ids[i].length == tokenizer.specials()) {
        throw new IllegalArgumentException(
            "label '" + label.name() + "': the verbalizer has no tokens; use letters or digits");
      }
      if (ids[i].length > MAX_LABEL_TOKENS) {
        throw new IllegalArgumentException(
            "label '%s': the verbalizer has %d tokens with the end token, at most %d are scored; shorten it"
                .formatted(label.name(), ids[i].length, MAX_LABEL_TOKENS));
      }
      Label other = seen.put(Arrays.stream(ids[i]).boxed().toList(), label);
      if (other != null) {
        throw new IllegalArgumentException(
            "labels '%s' and '%s' have the same tokens (verbalizers '%s' and '%s'): this model's tokenizer cannot tell them apart; reword one"
                .formatted(other.name(), label.name(), other.verbalizer(), label.verbalizer()));
      }
    }
    return of(ids, startId);
  }

  /**
   * Arranges token sequences that are already known.
   *
   * @param labelIds [labels][tokens], each with the end token, all different
   */
  public static LabelSpace of(int[][] labelIds, int startId) {
    Integer[] order = new Integer[labelIds.length];
    Arrays.setAll(order, i -> i);
    // Neighbours in this order share the longest prefixes, so cutting it into blocks costs least.
    Arrays.sort(order, (a, b) -> Arrays.compare(labelIds[a], labelIds[b]));
    List<Block> blocks = new ArrayList<>();
    TrieBuilder builder = new TrieBuilder(startId);
    for (int label : order) {
      if (!builder.fits(labelIds[label])) {
        blocks.add(builder.build());
        builder = new TrieBuilder(startId);
      }
      builder.add(label, labelIds[label]);
    }
    blocks.add(builder.build());
    return new LabelSpace(labelIds, List.copyOf(blocks));
  }

  /** Number of labels. */
  public int size() {
    return labelIds.length;
  }

  /** Token ids of one label, end token included; not to be changed. */
  public int[] ids(int label) {
    return labelIds[label];
  }

  /** The trie, in parts. */
  public List<Block> blocks() {
    return blocks;
  }

  /** Decoder positions over all blocks. */
  public int nodes() {
    return blocks.stream().mapToInt(Block::nodes).sum();
  }

  private static final class TrieBuilder {
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Integer> depth = new ArrayList<>();
    private final List<Integer> parent = new ArrayList<>();
    private final List<Integer> edgeNode = new ArrayList<>();
    private final List<Integer> edgeToken = new ArrayList<>();
    private final List<Integer> labels = new ArrayList<>();
    private final List<int[]> labelEdges = new ArrayList<>();
    private final Map<Long, Integer> edges = new HashMap<>();
    private final Map<Long, Integer> children = new HashMap<>();

    TrieBuilder(int startId) {
      tokens.add(startId);
      depth.add(0);
      parent.add(-1);
    }

    boolean fits(int[] ids) {
      // The end token is only predicted, never an input: ids.length - 1 new nodes at most.
      int node = 0;
      int shared = 0;
      while (shared < ids.length - 1) {
        Integer child = children.get(key(node, ids[shared]));
        if (child == null) {
          break;
        }
        node = child;
        shared++;
      }
      return tokens.size() + ids.length - 1 - shared <= MAX_BLOCK_NODES;
    }

    void add(int label, int[] ids) {
      int[] path = new int[ids.length];
      int node = 0;
      for (int i = 0; i < ids.length; i++) {
        path[i] = edge(node, ids[i]);
        if (i < ids.length - 1) {
          node = child(node, ids[i]);
        }
      }
      labels.add(label);
      labelEdges.add(path);
    }

    private int edge(int node, int token) {
      return edges.computeIfAbsent(
          key(node, token),
          k -> {
            edgeNode.add(node);
            edgeToken.add(token);
            return edgeNode.size() - 1;
          });
    }

    private int child(int node, int token) {
      return children.computeIfAbsent(
          key(node, token),
          k -> {
            tokens.add(token);
            depth.add(depth.get(node) + 1);
            parent.add(node);
            return tokens.size() - 1;
          });
    }

    private static long key(int node, int token) {
      return (long) node << 32 | token;
    }

    Block build() {
      return new Block(
          ints(tokens),
          ints(depth),
          ints(parent),
          ints(edgeNode),
          ints(edgeToken),
          ints(labels),
          labelEdges.toArray(int[][]::new));
    }

    private static int[] ints(List<Integer> values) {
      return values.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
