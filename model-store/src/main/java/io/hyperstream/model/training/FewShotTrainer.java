package io.hyperstream.model.training;

import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Adapts one classification task to a few examples; the model itself stays frozen, so no other task
 * is touched. It starts from whatever explains the examples best: a known task's adapters, those
 * for tasks nobody has seen, or, on an encoder, none. Nothing is set per task: every weight is
 * fitted on examples left out of what it weighs.
 *
 * <p>From one example per label to thousands; labels may be imbalanced, missing or contradictory.
 * The same examples and seed give the same candidate, to the last bit if operations use one thread.
 * One thread.
 */
public final class FewShotTrainer {

  /** Which parts take part. */
  public enum Method {
    /** The start chosen, nothing learnt: what serves before any adaptation. */
    ZERO_SHOT,
    /** Stage 1: the task embedding, by gradient. */
    EMBEDDING,
    /** Label vectors over encoder states and words, beside the start's decoder; no gradient. */
    PROTOTYPES,
    /** Stage 1, then stage 2: the adapter weights themselves. */
    WEIGHTS,
    /** Prototypes, and whichever decoder explains left-out examples best. */
    AUTO
  }

  /** What {@link Method#PROTOTYPES} and {@link Method#AUTO} mix, in this order. */
  public enum Part {
    /** The label scores of the T5 decoder. */
    DECODER,
    /** Label vectors over pooled encoder states. */
    STATES,
    /** Label vectors over hashed words. */
    WORDS
  }

  /** What the gradient stages learn from. */
  public enum Loss {
    /** The candidate labels' scores: what serving answers with. */
    CANDIDATES,
    /** The tokens of the right label, as the paper. */
    LANGUAGE_MODEL
  }

  private final FewShotModel model;
  private final FewShotRun.Tuning tuning;

  /** Gradient stages learn from the candidate labels' scores. */
  public FewShotTrainer(FewShotModel model) {
    this(model, Loss.CANDIDATES);
  }

  public FewShotTrainer(FewShotModel model, Loss loss) {
    this(model, FewShotRun.Tuning.of(loss));
  }

  private FewShotTrainer(FewShotModel model, FewShotRun.Tuning tuning) {
    this.model = model;
    this.tuning = tuning;
  }

  /**
   * The same with parts of the mixture left out, to see what each is worth.
   *
   * @throws IllegalArgumentException if nothing would be left
   */
  public FewShotTrainer without(Set<Part> parts) {
    if (parts.size() == Part.values().length) {
      throw new IllegalArgumentException("one of " + parts + " must stay");
    }
    return new FewShotTrainer(model, tuning.without(parts));
  }

  /**
   * Trains a candidate.
   *
   * @param examples of the task; those with other labels are counted and left out
   * @return to be closed by the caller
   * @throws IllegalArgumentException if no usable example is left, or the task has no labels
   */
  public FewShotCandidate train(
      TaskDefinition task, List<Example> examples, Method method, long seed) {
    return train(new FewShotMemory(model, requireLabels(task)), examples, method, seed);
  }

  /** The same for a task that is adapted again and again. */
  public FewShotCandidate train(
      FewShotMemory memory, List<Example> examples, Method method, long seed) {
    requireLabels(memory.task());
    LabelledRows rows = LabelledRows.of(memory.task(), examples);
    if (rows.examples().isEmpty()) {
      throw new IllegalArgumentException(rows.nothingUsable(memory.task(), examples.size()));
    }
    return new FewShotRun(memory, rows, tuning, seed, () -> false)
        .train(method, true, Optional.empty());
  }

  static TaskDefinition requireLabels(TaskDefinition task) {
    if (task.kind() != TaskKind.CLASSIFICATION) {
      throw new IllegalArgumentException(
          "few-shot adaptation needs labels; task '" + task.taskId() + "' is " + task.kind());
    }
    return task;
  }
}
