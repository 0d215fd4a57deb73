package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotCandidate;
import io.hyperstream.model.training.FewShotMemory;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrainer;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrainer.Part;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The paper's few-shot protocol (section 4.2): adapt to K examples per label, measure on the whole
 * test split, repeat with other examples. The examples are the row numbers of {@code fewshot.json}
 * where the folder has them, else drawn by seed.
 */
public final class FewShotEvaluation {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The key of logistic regression over frozen vectors. */
  public static final String LOGISTIC = "logistic";

  private static final Set<Method> MIXED = Set.of(Method.PROTOTYPES, Method.AUTO);

  /**
   * What to run.
   *
   * @param shots examples per label, each value a run
   * @param seeds how many draws of examples
   * @param methods what to adapt
   * @param logistic whether logistic regression over frozen vectors is measured beside them
   * @param maxTestRows the first so many rows of the test split
   * @param without parts of the mixture to leave out
   * @param strangers texts of other tasks, to be told from the test split's as out of scope
   */
  public record Options(
      List<Integer> shots,
      int seeds,
      List<Method> methods,
      boolean logistic,
      int maxTestRows,
      Set<Part> without,
      List<Example> strangers) {
    public Options {
      shots = List.copyOf(shots);
      methods = List.copyOf(methods);
      without = Set.copyOf(without);
      strangers = List.copyOf(strangers);
      if (shots.isEmpty() || (methods.isEmpty() && !logistic) || seeds < 1 || maxTestRows < 1) {
        throw new IllegalArgumentException(
            "an evaluation needs shots, methods, seeds and test rows; got "
                + shots
                + ", "
                + methods
                + ", "
                + seeds
                + " and "
                + maxTestRows);
      }
      shots.stream()
          .filter(k -> k < 1)
          .forEach(
              k -> {
                throw new IllegalArgumentException("shots must be at least 1; got " + k);
              });
      if (without.size() == Part.values().length) {
        throw new IllegalArgumentException("decoder, states or words must stay");
      }
      List<Method> unmixed = new ArrayList<>(methods);
      unmixed.removeAll(MIXED);
      if (!without.isEmpty() && !unmixed.isEmpty()) {
        throw new IllegalArgumentException(
            "only prototypes and auto have parts to leave out; not "
                + unmixed.stream().map(FewShotEvaluation::key).toList());
      }
    }

    private String suffix() {
      return without.stream()
          .sorted()
          .map(part -> "-" + part.name().toLowerCase(Locale.ROOT))
          .collect(Collectors.joining());
    }
  }

  /**
   * One adaptation measured.
   *
   * @param method its key; {@code prototypes-words} is prototypes without words
   * @param zeroShot the best start's score before anything was learnt
   * @param score after it
   * @param calibrationError expected calibration error after it, over 15 bins
   * @param outOfScope how well strangers are told from the test split's texts: the area under the
   *     ROC curve; empty if nobody asked or the method cannot tell
   * @param seconds the adaptation took
   * @param report what training found; empty for logistic regression
   */
  public record Run(
      String taskId,
      String method,
      int shots,
      int seed,
      String metric,
      double zeroShot,
      double score,
      double calibrationError,
      OptionalDouble outOfScope,
      double seconds,
      Optional<FewShotCandidate.Report> report) {

    /**
     * {@code {taskId, method, shots, seed, metric, zeroShot, score, calibrationError, seconds}},
     * and outOfScope if it was measured.
     */
    public String toJson() {
      ObjectNode node = MAPPER.createObjectNode();
      node.put("taskId", taskId);
      node.put("method", method);
      node.put("shots", shots);
      node.put("seed", seed);
      node.put("metric", metric);
      node.put("zeroShot", zeroShot);
      node.put("score", score);
      node.put("calibrationError", calibrationError);
      node.put("seconds", seconds);
      outOfScope.ifPresent(area -> node.put("outOfScope", area));
      return node.toString();
    }
  }

  private final FewShotModel model;

  public FewShotEvaluation(FewShotModel model) {
    this.model = model;
  }

  /** What a method is called in reports and on the command line. */
  public static String key(Method method) {
    return method.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Why the protocol does not apply to a task; empty if it does. */
  public static Optional<String> unfit(TaskFolder folder) {
    return folder.task().kind() == TaskKind.CLASSIFICATION
        ? Optional.empty()
        : Optional.of(
            "few-shot adaptation needs labels; this is a task of kind " + folder.task().kind());
  }

  /**
   * Runs all combinations on one task.
   *
   * @param listener told of each run when it is done
   * @param notes told, in a sentence, of what is not as asked for
   * @throws IOException if the folder lacks a split or a file is not what it should be
   */
  public List<Run> run(
      TaskFolder folder, Options options, Consumer<Run> listener, Consumer<String> notes)
      throws IOException {
    FewShotRows rows = FewShotRows.read(folder);
    List<Example> test = FewShotRows.split(folder, "test");
    test = test.subList(0, Math.min(test.size(), options.maxTestRows()));
    if (test.isEmpty()) {
      throw new IOException(folder.folder() + " has no test rows");
    }
    FewShotMemory memory = new FewShotMemory(model, folder.task());
    LogisticBaseline baseline = new LogisticBaseline(model);
    FewShotTrainer trainer = new FewShotTrainer(model).without(options.without());
    List<Run> runs = new ArrayList<>();
    for (int shots : options.shots()) {
      for (int seed = 0; seed < options.seeds(); seed++) {
        List<Example> examples = rows.draw(shots, seed);
        if (seed == 0) {
          scarce(folder.task(), examples, shots).ifPresent(notes);
        }
        double zeroShot;
        try (FewShotCandidate start = trainer.train(memory, examples, Method.ZERO_SHOT, seed)) {
          zeroShot = new Measured(folder, start.predict(test), test).score();
          String remarks = start.report().remarks();
          if (seed == 0 && !remarks.isEmpty()) {
            notes.accept("%s, %d per label: %s".formatted(folder.task().taskId(), shots, remarks));
          }
        }
        Setting setting = new Setting(folder, test, shots, seed, zeroShot);
        for (Method method : options.methods()) {
          try (FewShotCandidate candidate = trainer.train(memory, examples, method, seed)) {
            FewShotCandidate.Report report = candidate.report();
            Run run =
                setting.run(
                    key(method) + options.suffix(),
                    candidate.predict(test),
                    told(candidate, test, options.strangers()),
                    report.seconds(),
                    Optional.of(report));
            runs.add(run);
            listener.accept(run);
          }
        }
        if (options.logistic()) {
          long begun = System.nanoTime();
          double[][] answers = baseline.probabilities(folder.task(), examples, test);
          double seconds = (System.nanoTime() - begun) / 1e9;
          Run run =
              setting.run(LOGISTIC, answers, OptionalDouble.empty(), seconds, Optional.empty());
          runs.add(run);
          listener.accept(run);
        }
      }
    }
    return runs;
  }

  /** How well a candidate tells strangers from a task's own texts. */
  private static OptionalDouble told(
      FewShotCandidate candidate, List<Example> test, List<Example> strangers) {
    if (strangers.isEmpty()) {
      return OptionalDouble.empty();
    }
    double area = areaUnderRoc(candidate.outOfScope(strangers), candidate.outOfScope(test));
    return Double.isNaN(area) ? OptionalDouble.empty() : OptionalDouble.of(area);
  }

  /** The probability that a number of the first is larger than one of the second; ties are half. */
  static double areaUnderRoc(double[] larger, double[] smaller) {
    double sum = 0;
    for (double a : larger) {
      for (double b : smaller) {
        sum += a > b ? 1 : a < b ? 0 : a == b ? 0.5 : Double.NaN;
      }
    }
    return sum / ((double) larger.length * smaller.length);
  }

  /** What the methods are compared on. */
  private record Setting(
      TaskFolder folder, List<Example> test, int shots, int seed, double zeroShot) {
    Run run(
        String method,
        double[][] answers,
        OptionalDouble outOfScope,
        double seconds,
        Optional<FewShotCandidate.Report> report) {
      Measured measured = new Measured(folder, answers, test);
      return new Run(
          folder.task().taskId(),
          method,
          shots,
          seed,
          folder.metric().key(),
          zeroShot,
          measured.score(),
          measured.calibrationError(),
          outOfScope,
          seconds,
          report);
    }
  }

  /** Answers held against the right ones. */
  private record Measured(double score, double calibrationError) {
    Measured(TaskFolder folder, double[][] probabilities, List<Example> test) {
      this(score(folder, probabilities, test), error(folder, probabilities, test));
    }

    private static double error(TaskFolder folder, double[][] probabilities, List<Example> test) {
      return Calibration.expectedError(probabilities, references(folder, test));
    }

    private static int[] references(TaskFolder folder, List<Example> test) {
      Map<String, Integer> labels = new HashMap<>();
      for (Label label : folder.task().labels()) {
        labels.put(label.name(), labels.size());
      }
      return test.stream().mapToInt(example -> labels.get(example.label())).toArray();
    }

    private static double score(TaskFolder folder, double[][] probabilities, List<Example> test) {
      int[] predictions = new int[test.size()];
      for (int i = 0; i < predictions.length; i++) {
        for (int l = 1; l < probabilities[i].length; l++) {
          if (probabilities[i][l] > probabilities[i][predictions[i]]) {
            predictions[i] = l;
          }
        }
      }
      int labels = folder.task().labels().size();
      return folder.metric().of(references(folder, test), predictions, labels);
    }
  }

  /** Labels with fewer examples than asked for. */
  private static Optional<String> scarce(TaskDefinition task, List<Example> examples, int shots) {
    List<String> scarce = new ArrayList<>();
    for (Label label : task.labels()) {
      long count = examples.stream().filter(e -> e.label().equals(label.name())).count();
      if (count < shots) {
        scarce.add("%d of '%s'".formatted(count, label.name()));
      }
    }
    return scarce.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "%s: instead of %d examples per label there are only %s; using those"
                .formatted(task.taskId(), shots, String.join(", ", scarce)));
  }

  /** The model that is adapted. */
  public FewShotModel model() {
    return model;
  }
}
