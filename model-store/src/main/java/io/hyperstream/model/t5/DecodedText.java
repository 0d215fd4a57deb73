package io.hyperstream.model.t5;

import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.readout.TextReadout;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.util.List;

/** Text as T5's decoder writes it, greedily or by beam search, of a row's first sequence. */
final class DecodedText implements TextReadout {
  private final T5 t5;
  private final SentencePieceTokenizer tokenizer;
  private final GenerationOptions options;

  DecodedText(T5 t5, SentencePieceTokenizer tokenizer, ReadoutOptions options) {
    this.t5 = t5;
    this.tokenizer = tokenizer;
    this.options =
        options.beams() == 1
            ? GenerationOptions.greedy(options.maxTargetTokens())
            : GenerationOptions.beam(options.maxTargetTokens(), options.beams());
  }

  @Override
  public List<Written> write(ReadoutBatch batch) {
    CrossMemory memory = t5.attendTo(batch.slots().get(0).encoded());
    return t5.generate(memory, batch.adapters(), options).stream()
        .map(row -> new Written(tokenizer.decode(row.tokens()), row.sumLogProbability()))
        .toList();
  }
}
