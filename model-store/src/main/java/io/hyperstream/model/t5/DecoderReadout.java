package io.hyperstream.model.t5;

import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * Labels as T5's decoder scores them: the sum of the log-probabilities of their tokens and the end
 * token. A row of several windows has the mean of their scores.
 */
final class DecoderReadout implements LabelReadout {
  private final T5 t5;
  private final LabelSpaces spaces;
  private final LabelScorer exact;
  private final TrieBeamScorer approximate;

  DecoderReadout(T5 t5, Tokenizer tokenizer, ReadoutOptions options) {
    this.t5 = t5;
    this.spaces = new LabelSpaces(tokenizer, t5.config().decoderStartId());
    this.exact = new LabelScorer(t5, spaces, options.maxLogitsBytes());
    this.approximate = new TrieBeamScorer(t5, spaces, options);
  }

  @Override
  public void check(TaskDefinition task) {
    spaces.of(task);
  }

  @Override
  public boolean needsVectors() {
    return false;
  }

  @Override
  public double[][] score(ReadoutBatch batch, LabelScoring scoring) {
    double[][] sums = new double[batch.rows()][];
    int[] windows = new int[batch.rows()];
    for (ReadoutBatch.Slot slot : batch.slots()) {
      double[][] scores = score(batch, slot, scoring);
      for (int i = 0; i < scores.length; i++) {
        int row = slot.rows()[i];
        windows[row]++;
        if (sums[row] == null) {
          sums[row] = scores[i];
        } else {
          for (int l = 0; l < scores[i].length; l++) {
            sums[row][l] += scores[i][l];
          }
        }
      }
    }
    for (int row = 0; row < sums.length; row++) {
      for (int l = 0; windows[row] > 1 && l < sums[row].length; l++) {
        sums[row][l] /= windows[row];
      }
    }
    return sums;
  }

  private double[][] score(ReadoutBatch batch, ReadoutBatch.Slot slot, LabelScoring scoring) {
    boolean all = slot.rows().length == batch.rows();
    List<TaskDefinition> tasks = new ArrayList<>();
    for (int row : slot.rows()) {
      tasks.add(batch.tasks().get(row));
    }
    CrossMemory states = t5.remember(slot.encoded().states(), slot.encoded().mask());
    var adapters = all ? batch.adapters() : batch.adapters().select(slot.rows());
    return switch (scoring) {
      case EXACT -> exact.score(tasks, states, adapters);
      case TRIE_BEAM -> approximate.score(tasks, states, adapters);
    };
  }

  @Override
  public Differentiable differentiable(TaskDefinition task, boolean pairs) {
    return new CandidateScorer(t5, spaces.of(task));
  }

  @Override
  public void trim() {
    exact.trim();
  }

  @Override
  public void close() {
    exact.close();
  }
}
