package io.hyperstream.model.readout;

import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows that went through the encoder together. Lives in the scope it was made in.
 *
 * @param tasks [rows], those of one task side by side
 * @param slots the rows' first sequences, then their second ones and so on
 * @param vectors [rows] each row's vector; empty if nobody needs them
 * @param adapters of the rows; belongs to whoever made the batch
 */
public record ReadoutBatch(
    List<TaskDefinition> tasks, List<Slot> slots, float[][] vectors, AdapterHook adapters) {
  private static final float[][] NO_VECTORS = {};

  /**
   * One sequence of each of some rows.
   *
   * @param rows ascending
   * @param encoded one sequence per row
   */
  public record Slot(int[] rows, Encoded encoded) {}

  /**
   * Runs the encoder; every row with its own task's adapters.
   *
   * @param inputs [rows]
   * @param withVectors whether rows' vectors are needed
   * @param workers compute parts of the batch side by side
   */
  public static ReadoutBatch encode(
      Backbone backbone,
      RowEncoder encoder,
      List<TaskDefinition> tasks,
      List<RowInput> inputs,
      AdapterHook adapters,
      boolean withVectors,
      Workers workers) {
    List<List<TokenSequence>> sequences = inputs.stream().map(RowInput::sequences).toList();
    int most = sequences.stream().mapToInt(List::size).max().orElseThrow();
    List<Slot> slots = new ArrayList<>();
    float[][][] pooled = new float[inputs.size()][][];
    Arrays.setAll(pooled, row -> new float[sequences.get(row).size()][]);
    for (int slot = 0; slot < most; slot++) {
      int place = slot;
      int[] rows =
          IntStream.range(0, inputs.size())
              .filter(row -> sequences.get(row).size() > place)
              .toArray();
      List<TokenSequence> some =
          IntStream.of(rows).mapToObj(row -> sequences.get(row).get(place)).toList();
      AdapterHook hook = rows.length == inputs.size() ? adapters : adapters.select(rows);
      Encoded encoded = backbone.encode(TokenBatch.of(backbone, some), hook, workers);
      slots.add(new Slot(rows, encoded));
      if (withVectors) {
        float[][] ofSlot = encoder.pool(encoded);
        for (int i = 0; i < rows.length; i++) {
          pooled[rows[i]][slot] = ofSlot[i];
        }
      }
    }
    float[][] vectors = withVectors ? new float[inputs.size()][] : NO_VECTORS;
    for (int row = 0; row < vectors.length; row++) {
      vectors[row] = encoder.vector(inputs.get(row), pooled[row]);
    }
    return new ReadoutBatch(tasks, slots, vectors, adapters);
  }

  /** Tokens that went through the encoder. */
  public int computedTokens() {
    return slots.stream().mapToInt(slot -> slot.encoded().computed()).sum();
  }

  public int rows() {
    return tasks.size();
  }

  /** The rows {@code [from, to)}. */
  public ReadoutBatch slice(int from, int to) {
    if (from == 0 && to == rows()) {
      return this;
    }
    List<Slot> part = new ArrayList<>();
    for (Slot slot : slots) {
      int first = firstAtLeast(slot.rows(), from);
      int end = firstAtLeast(slot.rows(), to);
      if (first < end) {
        int[] rows = Arrays.stream(slot.rows(), first, end).map(row -> row - from).toArray();
        Encoded encoded = slot.encoded();
        part.add(
            new Slot(
                rows,
                new Encoded(
                    Ops.slice(encoded.states(), 0, first, end),
                    Ops.slice(encoded.mask(), 0, first, end))));
      }
    }
    return new ReadoutBatch(
        tasks.subList(from, to),
        part,
        vectors.length == 0 ? NO_VECTORS : Arrays.copyOfRange(vectors, from, to),
        adapters.slice(from, to));
  }

  private static int firstAtLeast(int[] ascending, int value) {
    int at = Arrays.binarySearch(ascending, value);
    return at < 0 ? -at - 1 : at;
  }
}
