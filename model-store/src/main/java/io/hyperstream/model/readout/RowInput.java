package io.hyperstream.model.readout;

import io.hyperstream.model.backbone.TokenSequence;
import java.util.List;

/**
 * One row as the sequences the encoder reads. A part is what is read apart from the rest, such as
 * each text of a pair; a part too long for one sequence has several windows.
 *
 * @param parts at least one, each with at least one sequence
 * @param truncated whether tokens were cut
 * @param empty whether there is nothing but special tokens
 */
public record RowInput(List<List<TokenSequence>> parts, boolean truncated, boolean empty) {
  public RowInput {
    parts = parts.stream().map(List::copyOf).toList();
  }

  /** One sequence. */
  public static RowInput of(TokenSequence sequence, boolean truncated, boolean empty) {
    return new RowInput(List.of(List.of(sequence)), truncated, empty);
  }

  /** All sequences, part by part. */
  public List<TokenSequence> sequences() {
    return parts.size() == 1 ? parts.get(0) : parts.stream().flatMap(List::stream).toList();
  }

  /** Tokens of the longest sequence. */
  public int longest() {
    return parts.stream().flatMap(List::stream).mapToInt(TokenSequence::length).max().orElse(0);
  }

  /** Tokens of all sequences. */
  public int tokens() {
    return parts.stream().flatMap(List::stream).mapToInt(TokenSequence::length).sum();
  }
}
