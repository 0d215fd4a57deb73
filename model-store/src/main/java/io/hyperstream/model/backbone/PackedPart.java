package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.PackedEncoder.Unit;
import io.hyperstream.model.tensor.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Tokens that go through the layers together, N of R sequences one after the other, and what the
 * kernels need to know of them. One thread; arrays live in its scope.
 */
public final class PackedPart {
  /**
   * From so many tokens on one task's neighbours are products of their own; fewer are gathered with
   * those of other tasks (32 tasks in 32 x 128 tokens: 3.9 instead of 6.6 % of the bare encoder).
   */
  static final int SEGMENT_TOKENS = 64;

  /**
   * N is rounded up to this from {@value #ROUNDED_FROM} on: oneDNN compiles a product for every N
   * and remembers a thousand of them.
   */
  private static final int ROUND = 8;

  private static final int ROUNDED_FROM = 64;

  private final Backbone backbone;
  private final List<Unit> units;
  private final int[] begins;
  private final int used;
  private final int length;
  private final RowAdapters rowAdapters;
  private final List<NDArray> adapters = new ArrayList<>();
  private long[] blocks = {};
  private long[] owners = {};
  private NDArray pad;
  private NDArray unpad;
  private NDArray keyMask;

  PackedPart(Backbone backbone, List<Unit> units, RowAdapters rowAdapters) {
    this.backbone = backbone;
    this.units = units;
    begins = new int[units.size()];
    int tokens = 0;
    int longest = 1;
    for (int i = 0; i < begins.length; i++) {
      begins[i] = tokens;
      tokens += units.get(i).sequence().length();
      longest = Math.max(longest, units.get(i).sequence().length());
    }
    used = tokens;
    length = longest;
    this.rowAdapters = rowAdapters;
  }

  List<Unit> units() {
    return units;
  }

  /** Where a sequence's tokens begin. */
  int begin(int unit) {
    return begins[unit];
  }

  /** N, a few unused ones at the end included. */
  public int tokens() {
    return used < ROUNDED_FROM ? used : (used + ROUND - 1) / ROUND * ROUND;
  }

  /** S, of the longest sequence. */
  public int length() {
    return length;
  }

  /** R. */
  public int rows() {
    return units.size();
  }

  private NDManager manager() {
    return backbone.manager();
  }

  /** [N] int64. */
  public NDArray ids() {
    long[] ids = new long[tokens()];
    Arrays.fill(ids, used, ids.length, backbone.shape().padId());
    for (int i = 0; i < begins.length; i++) {
      int[] sequence = units.get(i).sequence().ids();
      for (int j = 0; j < sequence.length; j++) {
        ids[begins[i] + j] = sequence[j];
      }
    }
    return manager().create(ids);
  }

  /** [N] int64: each token's place in its sequence, plus an offset. */
  public NDArray places(int offset) {
    long[] places = new long[tokens()];
    Arrays.fill(places, used, places.length, offset);
    for (int i = 0; i < begins.length; i++) {
      for (int j = 0; j < units.get(i).sequence().length(); j++) {
        places[begins[i] + j] = (long) offset + j;
      }
    }
    return manager().create(places);
  }

  /** [N] int64: 1 for tokens of a pair's second text. */
  public NDArray segments() {
    long[] segments = new long[tokens()];
    for (int i = 0; i < begins.length; i++) {
      TokenSequence sequence = units.get(i).sequence();
      Arrays.fill(segments, begins[i] + sequence.secondFrom(), begins[i] + sequence.length(), 1);
    }
    return manager().create(segments);
  }

  /**
   * [R, 1, 1, S]: 0 where a key counts, {@code -distance} where it is padding.
   *
   * @param distance the same at each call
   */
  public NDArray keyMask(float distance) {
    if (keyMask == null) {
      float[] mask = new float[rows() * length];
      for (int i = 0; i < rows(); i++) {
        int tokens = units.get(i).sequence().length();
        Arrays.fill(mask, i * length + tokens, (i + 1) * length, -distance);
      }
      keyMask = manager().create(mask, new Shape(rows(), 1, 1, length));
    }
    return keyMask;
  }

  /** [R S]: which token stands at each place of the padded sequences. */
  public NDArray pad() {
    if (pad == null) {
      pad = manager().create(pad(0, rows(), length));
    }
    return pad;
  }

  /** [N]: where each token stands among the padded ones. */
  public NDArray unpad() {
    if (unpad == null) {
      unpad = manager().create(Arrays.copyOf(unpad(0, rows(), length), tokens()));
    }
    return unpad;
  }

  private long[] pad(int from, int to, int width) {
    long[] pad = new long[(to - from) * width];
    for (int i = from; i < to; i++) {
      int begin = begins[i] - begins[from];
      for (int j = 0; j < width; j++) {
        pad[(i - from) * width + j] = j < units.get(i).sequence().length() ? begin + j : begin;
      }
    }
    return pad;
  }

  private long[] unpad(int from, int to, int width) {
    int end = to == units.size() ? used : begins[to];
    long[] unpad = new long[end - begins[from]];
    for (int i = from; i < to; i++) {
      for (int j = 0; j < units.get(i).sequence().length(); j++) {
        unpad[begins[i] - begins[from] + j] = (long) (i - from) * width + j;
      }
    }
    return unpad;
  }

  /** Runs a method of the kernels that ends in the adapters' arguments, after those given. */
  public NDArray call(Kernels kernels, String method, Object... first) {
    if (adapters.isEmpty() && !rowAdapters.distinct().isEmpty()) {
      layOut();
    }
    Object[] all = Arrays.copyOf(first, first.length + 5);
    all[first.length] = adapters;
    all[first.length + 1] = blocks;
    all[first.length + 2] = owners;
    all[first.length + 3] = rowAdapters.activation();
    all[first.length + 4] = rowAdapters.firstLayer();
    return kernels.call(method, all);
  }

  /** As adapters.py has it: neighbours of one task are a block, short neighbours together. */
  private void layOut() {
    List<Long> blocksMade = new ArrayList<>();
    List<NDArray> index = new ArrayList<>();
    rowAdapters.distinct().forEach(adapters::addAll);
    owners = units.stream().mapToLong(Unit::owner).toArray();
    int open = 0; // first of the short neighbours gathered so far
    int from = 0;
    while (from < rows()) {
      int to = from + 1;
      while (to < rows() && owners[to] == owners[from]) {
        to++;
      }
      boolean none = owners[from] < 0;
      int end = to == rows() ? used : begins[to];
      if (none || end - begins[from] >= SEGMENT_TOKENS) {
        gathered(open, from, blocksMade, index);
        if (!none) {
          block(from, to, 0, 0, 0, blocksMade);
        }
        open = to;
      }
      from = to;
    }
    gathered(open, rows(), blocksMade, index);
    blocks = blocksMade.stream().mapToLong(Long::longValue).toArray();
    adapters.addAll(index);
  }

  private void gathered(int from, int to, List<Long> blocksMade, List<NDArray> index) {
    if (from == to) {
      return;
    }
    int longest = 0;
    for (int i = from; i < to; i++) {
      longest = Math.max(longest, units.get(i).sequence().length());
    }
    block(from, to, to - from, longest, adapters.size() + index.size(), blocksMade);
    index.add(manager().create(pad(from, to, longest)));
    index.add(manager().create(unpad(from, to, longest)));
  }

  private void block(int from, int to, int n, int padded, int index, List<Long> blocksMade) {
    long end = to == rows() ? used : begins[to];
    for (long number : new long[] {begins[from], end, n, padded, from, index}) {
      blocksMade.add(number);
    }
  }
}
