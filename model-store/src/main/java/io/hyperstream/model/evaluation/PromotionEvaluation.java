package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotMemory;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrial;
import io.hyperstream.model.training.FewShotTrial.Options;
import io.hyperstream.model.training.FewShotTrial.Result;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

/**
 * How often a trial finds the challenger better where there is nothing to learn, because the labels
 * were shuffled among the examples, and how often where there is. Of each draw of examples two
 * versions are tried: the first, learnt from every other example, against the initial adapter; and
 * the second, learnt from all, against the first.
 */
public final class PromotionEvaluation {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * One trial.
   *
   * @param shuffled whether the labels were shuffled
   * @param version 1 against the initial adapter, 2 against version 1
   * @param examples learnt from
   * @param judged how many decided
   */
  public record Trial(
      String taskId,
      int shots,
      int seed,
      boolean shuffled,
      int version,
      int examples,
      int judged,
      double probabilityBetter) {

    /** The components as a JSON object. */
    public String toJson() {
      return MAPPER.valueToTree(this).toString();
    }
  }

  private final FewShotModel model;
  private final FewShotTrial trial;

  public PromotionEvaluation(FewShotModel model) {
    this.model = model;
    trial = new FewShotTrial(model);
  }

  /**
   * Tries one task.
   *
   * @param options the first method is tried; test rows do not matter
   * @param shuffles how often the labels of each draw are shuffled
   * @param listener told of each trial when it is done
   * @throws IOException if the folder lacks its train split or a file is not what it should be
   */
  public void run(
      TaskFolder folder, FewShotEvaluation.Options options, int shuffles, Consumer<Trial> listener)
      throws IOException {
    FewShotRows rows = FewShotRows.read(folder);
    FewShotMemory memory = new FewShotMemory(model, folder.task());
    for (int shots : options.shots()) {
      for (int seed = 0; seed < options.seeds(); seed++) {
        List<Example> examples = new ArrayList<>(rows.draw(shots, seed));
        Collections.shuffle(examples, new Random(seed));
        Case real = new Case(memory, shots, seed, options, false);
        tryBoth(real, examples, seed, listener);
        for (int i = 0; i < shuffles; i++) {
          long order = 1000L * seed + i;
          Case none = new Case(memory, shots, seed, options, true);
          tryBoth(none, shuffled(examples, order), order, listener);
        }
      }
    }
  }

  private record Case(
      FewShotMemory memory,
      int shots,
      int seed,
      FewShotEvaluation.Options options,
      boolean shuffled) {}

  private void tryBoth(Case of, List<Example> examples, long seed, Consumer<Trial> listener) {
    List<Example> half = examples.subList(0, examples.size() / 2);
    Optional<FewShotVersion> first =
        tryOne(of, of.memory().initialAdapter(), half, 0, seed, listener).candidate();
    if (first.isPresent()) {
      TaskAdapter champion =
          new TaskAdapter(
                  of.memory().initialAdapter().taskId(),
                  1,
                  first.get().adapters(),
                  first.get().head())
              .orStart(of.memory().initialAdapter());
      tryOne(of, champion, examples, half.size(), seed, listener);
    }
  }

  private Result tryOne(
      Case of,
      TaskAdapter champion,
      List<Example> examples,
      int seen,
      long seed,
      Consumer<Trial> listener) {
    boolean[] flags = new boolean[examples.size()];
    Arrays.fill(flags, 0, seen, true);
    Options options =
        new Options(of.options().methods().get(0), false, Optional.empty(), seed, () -> false);
    Result result = trial.run(of.memory(), champion, examples, flags, List.of(), options);
    listener.accept(
        new Trial(
            champion.taskId(),
            of.shots(),
            of.seed(),
            of.shuffled(),
            seen == 0 ? 1 : 2,
            examples.size(),
            result.judged(),
            result.probabilityBetter()));
    return result;
  }

  private static List<Example> shuffled(List<Example> examples, long seed) {
    List<String> labels = new ArrayList<>(examples.stream().map(Example::label).toList());
    Collections.shuffle(labels, new Random(seed));
    List<Example> out = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      Example example = examples.get(i);
      out.add(new Example(example.text(), example.textPair(), labels.get(i)));
    }
    return out;
  }
}
