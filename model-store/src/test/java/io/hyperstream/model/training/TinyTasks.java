package io.hyperstream.model.training;

import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Tasks that one word decides, and a T5 small enough to be trained from scratch in seconds. */
final class TinyTasks {
  private static final int MAX_SOURCE = 32;
  private static final String[] FRAMES = {
    "there is %s here", "I saw some %s today", "%s again", "look at the %s"
  };

  private TinyTasks() {}

  static List<TaskData> two(SentencePieceTokenizer tokenizer) {
    return List.of(
        task(tokenizer, "weather", "sunny", "rainy", "sun warm", "rain umbrella"),
        task(tokenizer, "drinks", "tea", "coffee", "leaves pot", "beans espresso"));
  }

  /**
   * @param ofFirst words of the first label, separated by spaces
   */
  private static TaskData task(
      SentencePieceTokenizer tokenizer,
      String name,
      String first,
      String second,
      String ofFirst,
      String ofSecond) {
    TaskDefinition task = TaskDefinition.classification(name, List.of(first, second));
    List<Example> examples = new ArrayList<>();
    for (String frame : FRAMES) {
      for (String word : ofFirst.split(" ", -1)) {
        examples.add(Example.of(String.format(Locale.ROOT, frame, word), first));
      }
      for (String word : ofSecond.split(" ", -1)) {
        examples.add(Example.of(String.format(Locale.ROOT, frame, word), second));
      }
    }
    Collections.shuffle(examples, new Random(7));
    TaskData.Rows rows = TaskData.encode(task, examples, tokenizer, MAX_SOURCE);
    return new TaskData(task, List.of(Metric.ACCURACY), rows, rows, rows);
  }

  static Path tokenizerFile() {
    return StarterFiles.directory().resolve("backbone/spiece.model");
  }

  /**
   * A shape of one layer with the starter's vocabulary.
   *
   * @param more fields, with a comma in front
   */
  static Path config(Path folder, String more) throws IOException {
    return Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "t5", "vocab_size": 8192, "d_model": 32, "d_kv": 8, "d_ff": 64,
         "num_heads": 4, "num_layers": 1, "n_positions": 64%s}
        """
            .formatted(more));
  }

  /** Everything of the paper's, shortened: no warm-up to speak of, no smoothing, no dropout. */
  static TrainingOptions options(Trainable trainable, int steps, double rate, long seed) {
    return new TrainingOptions(
        trainable,
        AdamW.Config.paper(),
        Schedule.linear(rate, 2, steps),
        steps,
        16,
        0,
        1,
        10,
        false,
        0,
        0,
        steps,
        0,
        0,
        seed,
        1);
  }
}
