package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A training run as a process of its own, to be killed; says each step on standard output. */
final class TrainingProcess {
  private static final int STEPS = 60;

  private TrainingProcess() {}

  public static void main(String[] args) throws Exception {
    Path folder = Files.createDirectories(Path.of(args[0]));
    TrainingOptions options =
        new TrainingOptions(
            Trainable.EVERYTHING,
            AdamW.Config.paper(),
            Schedule.linear(5e-3, 5, STEPS),
            STEPS,
            6,
            40,
            2,
            2,
            true,
            0.1,
            0.1,
            10,
            3,
            0,
            9,
            1);
    AdapterConfig adapters =
        Preset.HYPERFORMER_PLUS_PLUS.adapters(List.of("weather", "drinks"), 4).orElseThrow();
    ModelSource source =
        ModelSource.random(TinyTasks.config(folder, ""), TinyTasks.tokenizerFile(), 9)
            .withAdapters(adapters, 9);
    try (SentencePieceTokenizer tokenizer =
        SentencePieceTokenizer.open(TinyTasks.tokenizerFile())) {
      MultiTaskTrainer.train(source, TinyTasks.two(tokenizer), options, folder, new Speaker());
    }
  }

  private static final class Speaker implements TrainingListener {
    @Override
    public void stepped(Step step) {
      System.out.println("step " + step.step());
      System.out.flush();
    }
  }
}
