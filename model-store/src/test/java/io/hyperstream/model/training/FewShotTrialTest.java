package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrial.Gain;
import io.hyperstream.model.training.FewShotTrial.Judge;
import io.hyperstream.model.training.FewShotTrial.Options;
import io.hyperstream.model.training.FewShotTrial.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Champion against challenger")
class FewShotTrialTest {
  @TempDir static Path folder;

  private static final List<String> LABELS = List.of("letters", "parcels", "stamps");

  private static final TaskDefinition TASK = TaskDefinition.classification("desks", LABELS);

  private static final Map<String, List<String>> SENTENCES =
      Map.of(
          "letters",
          List.of(
              "the envelope had no address",
              "my letter came back unopened",
              "write the address on the envelope",
              "a letter for the third floor",
              "this letter is from my aunt",
              "seal the envelope with wax",
              "the letter was four pages long",
              "two letters in one envelope",
              "an envelope without a letter",
              "the letter carries no signature"),
          "parcels",
          List.of(
              "the parcel is too heavy to carry",
              "my parcel arrived with a dent in the box",
              "tape the box twice around",
              "a box of books for the school",
              "the parcel waits in the depot",
              "weigh the box before you pay",
              "the box was soaked by rain",
              "three parcels for the neighbours",
              "a parcel tied with string",
              "the depot lost the heavy box"),
          "stamps",
          List.of(
              "a sheet of stamps with birds on it",
              "the stamp fell off on the way",
              "collect stamps from every island",
              "how many stamps does abroad need",
              "a rare stamp with a misprint",
              "this stamp is no longer valid",
              "stick the stamp in the corner",
              "the album holds a thousand stamps",
              "the misprint made the stamp famous",
              "stamps with birds and islands"));

  private static int threads;
  private static FewShotModel model;
  private static FewShotTrial trial;

  @BeforeAll
  static void open() throws Exception {
    threads = Ops.setThreads(1); // several may round differently from run to run
    model = FewShotModel.open(StarterModel.install(new FileModelStore(folder.resolve("store"))));
    trial = new FewShotTrial(model);
  }

  @AfterAll
  static void close() {
    model.close();
    Ops.setThreads(threads);
  }

  /** Rows {@code [from, to)} of each label. */
  private static List<Example> examples(int from, int to) {
    List<Example> out = new ArrayList<>();
    for (int i = from; i < to; i++) {
      for (String label : LABELS) {
        out.add(Example.of(SENTENCES.get(label).get(i), label));
      }
    }
    return out;
  }

  private static List<Example> shuffledLabels(List<Example> examples, long seed) {
    List<String> labels = new ArrayList<>(examples.stream().map(Example::label).toList());
    Collections.shuffle(labels, new Random(seed));
    List<Example> out = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      out.add(Example.of(examples.get(i).text(), labels.get(i)));
    }
    return out;
  }

  /** What serves before anything was learnt. */
  private static TaskAdapter start() {
    float[] mean = new FewShotMemory(model, TASK).embedding(FewShotModel.MEAN);
    return new TaskAdapter("desks", 0, new AdapterForm.Embedding(mean));
  }

  private static TaskAdapter published(Result result) {
    FewShotVersion version = result.candidate().orElseThrow();
    return new TaskAdapter(
        "desks", 1, new AdapterForm.Embedding(version.embedding()), version.head());
  }

  private static Options options(Method method) {
    return new Options(method, false, Optional.empty(), 1, () -> false);
  }

  private static Result run(
      TaskAdapter champion, List<Example> train, int seen, List<Example> heldOut) {
    boolean[] flags = new boolean[train.size()];
    Arrays.fill(flags, 0, seen, true);
    return trial.run(TASK, champion, train, flags, heldOut, options(Method.PROTOTYPES));
  }

  @Test
  @DisplayName("a first version of real labels wins, each example judged when it was left out")
  void firstVersion() {
    Result result = run(start(), examples(0, 5), 0, examples(5, 6));

    assertThat(result.judge()).isEqualTo(Judge.CROSS_VALIDATION);
    assertThat(result.judged()).isEqualTo(18);
    assertThat(result.probabilityBetter()).isGreaterThan(0.9);
    assertThat(result.after().get("accuracy")).isGreaterThan(result.before().get("accuracy"));
    assertThat(result.before()).containsOnlyKeys("accuracy", "macro_f1", "log_loss");
    assertThat(result.candidate().orElseThrow().form()).isEqualTo(FewShotVersion.Form.PROTOTYPES);
    assertThat(result.report().orElseThrow().examples()).isEqualTo(18);
    assertThat(run(start(), examples(0, 5), 0, examples(5, 6)))
        .usingRecursiveComparison()
        .ignoringFields("report.value.seconds")
        .isEqualTo(result);
  }

  @Test
  @DisplayName("the champion's own examples do not flatter it, nor does nothing new beat it")
  void seenByChampion() {
    FewShotMemory memory = new FewShotMemory(model, TASK);
    double nothingNew = 0;
    double more = 0;
    double lossSaved = 0;
    int rounds = 4; // nine examples are few: one draw says little
    for (int seed = 1; seed <= rounds; seed++) {
      List<Example> all = inRandomOrder(seed);
      List<Example> few = all.subList(0, 9);
      Options options = options(Method.PROTOTYPES);
      boolean[] seen = new boolean[9];
      TaskAdapter champion = published(trial.run(memory, start(), few, seen, List.of(), options));
      Arrays.fill(seen, true);

      Result again = trial.run(memory, champion, few, seen, List.of(), options);
      assertThat(again.judged()).isEqualTo(9);
      assertThat(again.probabilityBetter()).isLessThan(0.9);
      nothingNew += again.probabilityBetter() / rounds;

      boolean[] seenOfAll = Arrays.copyOf(seen, all.size());
      Result better = trial.run(memory, champion, all, seenOfAll, List.of(), options);
      assertThat(better.judged()).isEqualTo(30);
      more += better.probabilityBetter() / rounds;
      lossSaved += better.before().get("log_loss") - better.after().get("log_loss");
    }
    assertThat(more).isGreaterThan(nothingNew + 0.1);
    assertThat(lossSaved).isPositive();
  }

  /** All, the labels in turn. */
  private static List<Example> inRandomOrder(long seed) {
    List<List<String>> shuffled = new ArrayList<>();
    for (String label : LABELS) {
      List<String> of = new ArrayList<>(SENTENCES.get(label));
      Collections.shuffle(of, new Random(seed));
      shuffled.add(of);
    }
    List<Example> out = new ArrayList<>();
    for (int i = 0; i < shuffled.get(0).size(); i++) {
      for (int l = 0; l < LABELS.size(); l++) {
        out.add(Example.of(shuffled.get(l).get(i), LABELS.get(l)));
      }
    }
    return out;
  }

  @Test
  @DisplayName("a label that appears later wins a new version, though it has few examples yet")
  void newLabel() {
    List<Example> two = examples(0, 6).stream().filter(e -> !e.label().equals("stamps")).toList();
    TaskAdapter champion = published(run(start(), two, 0, List.of()));
    assertThat(champion.head().orElseThrow().vectors()).hasSize(2);

    List<Example> three = new ArrayList<>(two);
    examples(0, 5).stream().filter(e -> e.label().equals("stamps")).forEach(three::add);
    Result result = run(champion, three, two.size(), List.of());
    assertThat(result.candidate().orElseThrow().head().orElseThrow().vectors()).hasSize(3);
    assertThat(result.judged()).isEqualTo(17);
    assertThat(result.probabilityBetter()).isGreaterThan(0.9);
    assertThat(result.after().get("macro_f1")).isGreaterThan(result.before().get("macro_f1"));
  }

  @Test
  @DisplayName("what was prepared is not run again, and the outcome is the same")
  void prepared() {
    List<Example> examples = examples(0, 6);
    FewShotMemory memory = new FewShotMemory(model, TASK);
    FewShotTrial.Options options = options(Method.PROTOTYPES);
    List<Example> soon = examples.subList(0, examples.size() - 1);
    trial.prepare(memory, soon, options);
    int before = memory.known();
    trial.prepare(memory, soon, options);
    assertThat(memory.known()).isEqualTo(before);

    Result result = trial.run(memory, start(), examples, new boolean[18], List.of(), options);
    Result cold = run(start(), examples, 0, List.of());
    assertThat(result.start()).isEqualTo(cold.start());
    assertThat(result.probabilityBetter()).isCloseTo(cold.probabilityBetter(), within(0.01));
    assertThat(result.after().get("log_loss"))
        .isCloseTo(cold.after().get("log_loss"), within(1e-3));
    // A text more: its own passes, and those of the few whose turn has come.
    assertThat(memory.known() - before).isLessThan(before / 3);

    memory.keepOnly(examples.subList(0, 1));
    assertThat(memory.known()).isLessThanOrEqualTo(memory.starts().size());
  }

  @Test
  @DisplayName("shuffled labels rarely win")
  void shuffled() {
    int promoted = 0;
    for (int seed = 0; seed < 10; seed++) {
      Result result = run(start(), shuffledLabels(examples(0, 6), seed), 0, List.of());
      promoted += result.probabilityBetter() >= 0.8 ? 1 : 0;
    }
    assertThat(promoted).isLessThanOrEqualTo(3);
  }

  @Test
  @DisplayName(
      "eight held-out examples of each label decide by themselves, and are not learnt from")
  void heldOut() {
    Result result = run(start(), examples(0, 2), 0, examples(2, 10));

    assertThat(result.judge()).isEqualTo(Judge.HELD_OUT);
    assertThat(result.judged()).isEqualTo(24);
    assertThat(result.report().orElseThrow().examples()).isEqualTo(6);
    double[][] served = model.predict(TASK, published(result), examples(2, 10));
    double loss = 0;
    for (int i = 0; i < served.length; i++) {
      loss -= Math.log(served[i][i % 3]) / served.length;
    }
    assertThat(result.after().get("log_loss"))
        .isCloseTo(loss, org.assertj.core.api.Assertions.within(1e-3));
  }

  @Test
  @DisplayName("where nothing can be judged or learnt it says why")
  void tooFew() {
    Result one = run(start(), examples(0, 1), 0, List.of());
    assertThat(one.judged()).isZero();
    assertThat(one.candidate()).isPresent();
    assertThat(one.reason())
        .isEqualTo("nothing can be judged yet: it takes two examples of a label to leave one out");

    Result single = run(start(), List.of(Example.of("a red stamp", "stamps")), 0, List.of());
    assertThat(single.candidate()).isEmpty();
    assertThat(single.reason()).contains("have the label 'stamps'", "at least two labels");

    List<Example> poor =
        List.of(
            Example.of("hello", "greetings"),
            Example.of("x", "stamps"),
            Example.of("x", "letters"));
    assertThat(run(start(), poor, 0, List.of()).reason())
        .contains("1 have labels it does not have, 1 texts contradict themselves");
  }

  @Test
  @DisplayName("copies, contradictions, foreign labels and imbalance are survived and reported")
  void unruly() {
    List<Example> unruly = new ArrayList<>(examples(0, 1));
    examples(1, 10).stream().filter(e -> !e.label().equals("stamps")).forEach(unruly::add);
    Example stamp = examples(1, 2).get(2);
    unruly.add(stamp);
    unruly.add(Example.of("  " + stamp.text().toUpperCase(Locale.ROOT), "stamps")); // a copy
    unruly.add(Example.of("both at once", "letters"));
    unruly.add(Example.of("Both  at once", "parcels"));
    unruly.add(Example.of("good morning", "greetings"));

    Result result = run(start(), unruly, 0, List.of());

    assertThat(result.reason())
        .isEqualTo(
            "1 copies of a text were merged; 1 texts came with several labels; 1 examples have"
                + " labels the task does not have; imbalanced: 10 examples of letters, 2 of"
                + " stamps");
    assertThat(result.judged()).isEqualTo(22);
    double[][] served =
        model.predict(
            TASK, published(result), List.of(Example.of("a stamp with a bird on it", "stamps")));
    assertThat(served[0][2])
        .as("the rare label")
        .isGreaterThan(Math.max(served[0][0], served[0][1]));
  }

  @Test
  @DisplayName("it ends soon after it is cancelled")
  void cancelled() {
    AtomicInteger asked = new AtomicInteger();
    Options options =
        new Options(
            Method.WEIGHTS, true, Optional.of("mean"), 1, () -> asked.incrementAndGet() > 3);
    assertThatThrownBy(
            () -> trial.run(TASK, start(), examples(0, 4), new boolean[12], List.of(), options))
        .isInstanceOf(CancellationException.class);
    assertThat(asked.get()).isEqualTo(4);
  }

  @Test
  @DisplayName("a paired bootstrap: sure of a clear difference, undecided about none")
  void bootstrap() {
    assertThat(FewShotTrial.probabilityBetter(new double[] {0.5, 1, 0.5, 1}, 1)).isEqualTo(1);
    assertThat(FewShotTrial.probabilityBetter(new double[] {-0.5, -1, -0.5}, 1)).isZero();
    assertThat(FewShotTrial.probabilityBetter(new double[6], 1)).isEqualTo(0.5);
    assertThat(FewShotTrial.probabilityBetter(new double[] {1, -1}, 1)).isBetween(0.4, 0.6);
    double[] mixed = {1, -0.5, 1, -0.5, 0.5, -0.5};
    assertThat(FewShotTrial.probabilityBetter(mixed, 1)).isBetween(0.6, 0.85);
  }

  @Test
  @DisplayName("the gain's mean and spread, of the same numbers as the metrics")
  void gain() {
    Gain gain = Gain.of(new double[] {1, 0, 1, 2});
    assertThat(gain.mean()).isEqualTo(1);
    assertThat(gain.spread()).isCloseTo(Math.sqrt(2.0 / 3), within(1e-12));
    assertThat(Gain.of(new double[] {3})).isEqualTo(new Gain(3, 0));

    Result result = run(start(), examples(0, 5), 0, List.of());
    assertThat(result.gain().mean())
        .isCloseTo(result.before().get("log_loss") - result.after().get("log_loss"), within(1e-12));
    // A champion that is only too bold gains by a temperature, and that is what is compared.
    double[][] served = model.predict(TASK, start(), examples(0, 5));
    double asIs = 0;
    for (int i = 0; i < served.length; i++) {
      asIs -= Math.log(Math.max(0.01, served[i][i % 3])) / served.length;
    }
    assertThat(result.before().get("log_loss")).isLessThanOrEqualTo(asIs + 1e-9);
  }
}
