package io.hyperstream.model.training;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.util.Optional;

/** Reads tasks as a model learns them. One thread. */
public interface TaskReader extends AutoCloseable {
  /**
   * Reads the splits of a folder.
   *
   * @param maxEvaluation most rows of validation and of test, the first of them
   * @throws IllegalArgumentException if this model cannot learn it, in a sentence
   */
  TaskData read(TaskFolder folder, int maxEvaluation) throws IOException;

  @Override
  void close();

  /**
   * A reader for a model.
   *
   * @param maxSource longest input, special tokens included
   * @throws CheckpointException if the tokenizer is not the model's
   */
  static TaskReader open(ModelSource source, int maxSource) throws IOException {
    return switch (source.family().objective()) {
      case TARGET_TOKENS -> tokens(source, maxSource);
      case LABEL_VECTORS -> labels(source, maxSource);
    };
  }

  private static TaskReader tokens(ModelSource source, int maxSource) throws IOException {
    int vocabulary = T5Config.read(source.folder().config()).vocabSize();
    SentencePieceTokenizer tokenizer = SentencePieceTokenizer.open(source.tokenizer());
    if (tokenizer.size() > vocabulary) {
      tokenizer.close();
      throw new CheckpointException(
          "the tokenizer has %d pieces, the model's vocabulary only %d"
              .formatted(tokenizer.size(), vocabulary));
    }
    return new TaskReader() {
      @Override
      public TaskData read(TaskFolder folder, int maxEvaluation) throws IOException {
        return TaskData.read(folder, tokenizer, maxSource, maxEvaluation);
      }

      @Override
      public void close() {
        tokenizer.close();
      }
    };
  }

  private static TaskReader labels(ModelSource source, int maxSource) throws IOException {
    FamilyModel model =
        source
            .family()
            .open(
                source.folder(),
                source.backbone(),
                Optional.empty(),
                EncoderTraining.options(maxSource));
    LabelReadout readout = model.labels();
    return new TaskReader() {
      @Override
      public TaskData read(TaskFolder folder, int maxEvaluation) throws IOException {
        readout.check(folder.task());
        return TaskData.read(
            folder,
            examples -> TaskData.encode(folder.task(), examples, model.rows()),
            maxEvaluation);
      }

      @Override
      public void close() {
        readout.close();
        model.close();
      }
    };
  }
}
