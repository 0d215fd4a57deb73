package io.hyperstream.model.training;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrial.Options;
import io.hyperstream.model.training.FewShotTrial.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Not run by the build, for it asserts nothing; {@code -Dtest=TrialTimes} prints what it takes. */
@Tag("measurement")
@DisplayName("A trial's time")
class TrialTimes {
  private static final String[] SUBJECTS = {
    "card", "loan", "flight", "hotel", "parcel", "invoice", "recipe", "garden", "tyre", "tooth"
  };
  private static final String[] MATTERS = {
    "lost", "late", "broken", "price", "cancel", "repair", "status", "address", "refund", "order"
  };
  private static final String[] FILLERS = {
    "please tell me about it as soon as you can",
    "I wrote to you last week and nobody answered",
    "my neighbour said that you would know",
    "this is the second time it happens this month",
    "what should I do now"
  };

  @TempDir static Path folder;

  private static List<String> labels(int count) {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      labels.add(SUBJECTS[i % 10] + " " + MATTERS[i / 10]);
    }
    return labels;
  }

  private static List<Example> examples(List<String> labels, int count) {
    Random random = new Random(5);
    List<Example> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String label = labels.get(i % labels.size());
      String[] words = label.split(" ", -1);
      out.add(
          Example.of(
              "Case %d, about the %s that I have from you: %s. It is a question of %s, I think."
                  .formatted(
                      random.nextInt(100_000),
                      words[0],
                      FILLERS[random.nextInt(FILLERS.length)],
                      words[1]),
              label));
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({"32, 4", "32, 4", "400, 100", "400, 100"})
  void times(int count, int labelCount) throws Exception {
    Ops.setThreads(1);
    TaskDefinition task = TaskDefinition.classification("times", labels(labelCount));
    List<Example> examples = examples(labels(labelCount), count);
    try (FewShotModel model =
        FewShotModel.open(
            ShippedModel.BGE_SMALL.install(new FileModelStore(folder.resolve("store"))))) {
      TaskAdapter start = model.startingAdapter(task);
      FewShotMemory fresh = new FewShotMemory(model, task);
      Result first = trial(model, fresh, start, examples, false, "none known");
      FewShotMemory kept = new FewShotMemory(model, task);
      examples.forEach(
          example ->
              kept.remember(
                  FewShotModel.BARE,
                  example,
                  fresh.vector(FewShotModel.BARE, example).orElseThrow()));
      trial(model, kept, start, examples, false, "all known");
      trial(model, kept, start, examples, false, "all known, scored");
      TaskAdapter champion =
          new TaskAdapter("times", 1, start.form(), first.candidate().orElseThrow().head());
      trial(model, kept, champion, examples, true, "all known, against a version that knows them");
    }
  }

  private static Result trial(
      FewShotModel model,
      FewShotMemory memory,
      TaskAdapter champion,
      List<Example> examples,
      boolean learnt,
      String what) {
    boolean[] seen = new boolean[examples.size()];
    Arrays.fill(seen, learnt);
    Options options = new Options(Method.AUTO, true, Optional.empty(), 7, () -> false);
    long begun = System.nanoTime();
    Result result =
        new FewShotTrial(model).run(memory, champion, examples, seen, List.of(), options);
    System.out.printf(
        Locale.ROOT,
        "%d examples, %d labels, %s: %.2f s (log-loss %.4f)%n",
        examples.size(),
        memory.task().labels().size(),
        what,
        (System.nanoTime() - begun) / 1e9,
        result.after().get("log_loss"));
    return result;
  }
}
