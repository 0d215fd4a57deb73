package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.TrainingOutcome.Result;
import io.hyperstream.app.adaptation.TrainingOutcome.Tested;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotMemory;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrial;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.schemas.AdapterVersion;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tests examples with the version that serves, then lets a challenger learn and judges both. The
 * model is opened with the first job: a mapping of the same files inference serves from, so its
 * weights are in memory once. Trainer's thread only.
 */
final class TrialWork implements TrainerThread.Work {
  private static final Logger LOG = LoggerFactory.getLogger(TrialWork.class);

  /** Tested at a time; between them a cancelled job ends. */
  private static final int TESTED_AT_ONCE = 32;

  /** Remembered between a task's jobs: examples, and of how many tasks. A few MB for each. */
  private static final int MOST_REMEMBERED = 256;

  private static final int MOST_TASKS = 8;

  private final Model settings;
  private final VersionCodec versions;
  private final AdapterFiles files;

  /** By task, the one asked for longest ago first. */
  private final Map<String, FewShotMemory> memories =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, FewShotMemory> eldest) {
          return size() > MOST_TASKS;
        }
      };

  private FewShotModel model; // null before the first job

  /**
   * What is trained with.
   *
   * @param maxSourceTokens longest input; 0: the model's own
   * @param threads of the arithmetic
   */
  record Model(StoredModel stored, int maxSourceTokens, int threads) {

    FewShotModel open() throws IOException {
      return maxSourceTokens > 0
          ? FewShotModel.open(stored, maxSourceTokens)
          : FewShotModel.open(stored);
    }
  }

  /**
   * @param files of {@code versions}; for nobody else
   */
  TrialWork(Model settings, VersionCodec versions, AdapterFiles files) {
    this.settings = settings;
    this.versions = versions;
    this.files = files;
  }

  @Override
  public TrainingOutcome run(TrainingJob job, BooleanSupplier cancelled) throws IOException {
    Ops.setThreads(settings.threads());
    if (model == null) {
      long start = System.nanoTime();
      model = settings.open();
      LOG.info("Model opened for training in {} ms", (System.nanoTime() - start) / 1_000_000);
    }
    TaskAdapter champion = champion(job);
    try {
      List<Boolean> tested = test(job, champion, cancelled);
      Result result = job.kind() == Kind.TEST ? new Tested() : trial(job, champion, cancelled);
      return new TrainingOutcome(job.taskId(), job.jobId(), tested, result);
    } finally {
      champion.weightsFile().ifPresent(files::release);
      files.sweep();
    }
  }

  private TaskAdapter champion(TrainingJob job) throws IOException {
    TaskAdapter start = model.startingAdapter(job.task());
    if (job.champion().isEmpty()) {
      return start;
    }
    return versions.toAdapter(job.champion().get()).orStart(start);
  }

  @Override
  public void prepare(TrainingJob job, BooleanSupplier wanted) {
    if (job.kind() == Kind.TEST && !job.train().isEmpty()) {
      new FewShotTrial(model).prepare(memory(job), examples(job), options(job, wanted));
    }
  }

  @Override
  public void forget(String taskId) {
    memories.remove(taskId);
  }

  /** What is known already of the task's examples; kept for its next job unless they are many. */
  private FewShotMemory memory(TrainingJob job) {
    FewShotMemory memory = memories.get(job.taskId());
    if (memory == null || !memory.task().equals(job.task())) {
      memory = new FewShotMemory(model, job.task());
    }
    List<Example> examples = examples(job);
    memory.keepOnly(examples);
    if (examples.size() <= MOST_REMEMBERED) {
      memories.put(job.taskId(), memory);
    } else {
      memories.remove(job.taskId());
    }
    return memory;
  }

  private static List<Example> examples(TrainingJob job) {
    return Stream.of(job.train(), job.heldOut()).flatMap(List::stream).toList();
  }

  private static FewShotTrial.Options options(TrainingJob job, BooleanSupplier cancelled) {
    int learnt = Collections.frequency(job.seenByChampion(), true);
    // Twice as many examples may know a better place to start from.
    Optional<String> start = job.start().filter(name -> learnt * 2 > job.train().size());
    return new FewShotTrial.Options(job.method(), job.tuneWeights(), start, job.seed(), cancelled);
  }

  private List<Boolean> test(TrainingJob job, TaskAdapter champion, BooleanSupplier cancelled) {
    List<String> labels = job.task().labels().stream().map(Label::name).toList();
    List<Boolean> right = new ArrayList<>();
    for (int from = 0; from < job.untested().size(); from += TESTED_AT_ONCE) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("cancelled while examples were tested");
      }
      int to = Math.min(from + TESTED_AT_ONCE, job.untested().size());
      List<Example> some = job.untested().subList(from, to);
      double[][] probabilities = model.predict(job.task(), champion, some);
      for (int i = 0; i < some.size(); i++) {
        right.add(labels.get(best(probabilities[i])).equals(some.get(i).label()));
      }
    }
    return right;
  }

  private static int best(double[] probabilities) {
    int best = 0;
    for (int l = 1; l < probabilities.length; l++) {
      best = probabilities[l] > probabilities[best] ? l : best;
    }
    return best;
  }

  private Judged trial(TrainingJob job, TaskAdapter champion, BooleanSupplier cancelled)
      throws IOException {
    boolean[] seen = new boolean[job.train().size()];
    for (int i = 0; i < seen.length; i++) {
      seen[i] = job.seenByChampion().get(i);
    }
    FewShotTrial.Result result =
        new FewShotTrial(model)
            .run(memory(job), champion, job.train(), seen, job.heldOut(), options(job, cancelled));
    Optional<AdapterVersion> candidate = Optional.empty();
    if (result.candidate().isPresent() && !cancelled.getAsBoolean()) {
      FewShotVersion version = result.candidate().get();
      Instant now = Instant.now();
      candidate =
          Optional.of(versions.toRecord(job.taskId(), settings.stored().modelId(), version, now));
    }
    return new Judged(
        candidate,
        result.reason(),
        result.before(),
        result.after(),
        result.judged() == 0
            ? OptionalDouble.empty()
            : OptionalDouble.of(result.probabilityBetter()),
        result.judged(),
        result.judge() == FewShotTrial.Judge.CROSS_VALIDATION,
        Optional.of(result.start()).filter(name -> !name.isEmpty()));
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
    }
  }
}
