package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.TrainingOutcome.Tested;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.prototype.HalfFloats;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotMemory;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrial;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.schemas.AdapterVersion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
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
 * Tests examples with the version that serves, then trains a challenger and compares both. The
 * model is opened with the first job; a process that also serves shares the model of inference.
 * Trainer's thread only.
 */
final class TrialWork implements TrainerThread.Work {
  private static final Logger LOG = LoggerFactory.getLogger(TrialWork.class);

  /** Tested at a time; between them a cancelled job ends. */
  private static final int TESTED_AT_ONCE = 32;

  /** Remembered between a task's jobs: examples, and of how many tasks. A few MB for each. */
  private static final int MOST_REMEMBERED = 256;

  private static final int MOST_TASKS = 8;

  private static final int SETTINGS_DIGITS = 16;

  private final Model settings;
  private final VersionCodec versions;
  private final AdapterFiles files;

  /** By task, least recently used first. */
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
   * @param serving what inference serves from in this process, if it does and the model is this one
   * @param own how a model of its own is opened
   * @param threads of the arithmetic
   */
  record Model(
      StoredModel stored, Optional<MultiTaskModel> serving, ModelOptions own, int threads) {

    FewShotModel open() throws IOException {
      return serving.isPresent()
          ? FewShotModel.beside(serving.get())
          : FewShotModel.open(stored, own);
    }
  }

  /**
   * @param files of {@code versions}; used only here
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
      if (job.kind() == Kind.TEST) {
        return new TrainingOutcome(job.taskId(), job.jobId(), tested, new Tested());
      }
      FewShotMemory memory = memory(job);
      Judged judged = trial(job, memory, champion, cancelled);
      Map<Example, StoredVector> made =
          judged.start().map(start -> made(job, memory, start)).orElse(Map.of());
      return new TrainingOutcome(job.taskId(), job.jobId(), tested, made, judged);
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

  /** Whether inference can serve it; unknown in a process without that role. */
  @Override
  @SuppressWarnings("try") // the loan lasts as long as the block
  public Optional<String> problem(TaskDefinition task) {
    return settings
        .serving()
        .flatMap(
            serving -> {
              try (MultiTaskModel.Loan open = serving.lend()) { // not closed meanwhile
                serving.check(task);
                return Optional.of("");
              } catch (InferenceException e) {
                return Optional.of(e.getMessage());
              } catch (RuntimeException e) { // closing, or a defect
                LOG.warn("Whether task '{}' can be served cannot be told", task.taskId(), e);
                return Optional.empty();
              }
            });
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
    String settings = settings(memory);
    for (Map.Entry<Example, StoredVector> kept : job.vectors().entrySet()) {
      StoredVector vector = kept.getValue();
      if (fits(vector, settings)) {
        float[] values = HalfFloats.decode(vector.getValues().duplicate());
        memory.remember(vector.getStart(), kept.getKey(), values);
      }
    }
    if (examples.size() <= MOST_REMEMBERED) {
      memories.put(job.taskId(), memory);
    } else {
      memories.remove(job.taskId());
    }
    return memory;
  }

  private boolean fits(StoredVector vector, String settings) {
    return vector.getModelId().equals(this.settings.stored().modelId())
        && vector.getSettings().equals(settings);
  }

  private static String settings(FewShotMemory memory) {
    return TextHash.of(memory.vectorSettings(), null).substring(0, SETTINGS_DIGITS);
  }

  /** The vectors of a job's examples that it did not bring along, under the start it ended with. */
  private Map<Example, StoredVector> made(TrainingJob job, FewShotMemory memory, String start) {
    Map<Example, StoredVector> made = new HashMap<>();
    if (!memory.keepsVectors()) {
      return made;
    }
    String settings = settings(memory);
    for (Example example : examples(job)) {
      StoredVector kept = job.vectors().get(example);
      if (kept != null && kept.getStart().equals(start) && fits(kept, settings)) {
        continue;
      }
      memory
          .vector(start, example)
          .ifPresent(
              vector ->
                  made.put(
                      example,
                      StoredVector.newBuilder()
                          .setModelId(this.settings.stored().modelId())
                          .setStart(start)
                          .setSettings(settings)
                          .setValues(ByteBuffer.wrap(HalfFloats.encode(vector)))
                          .build()));
    }
    return made;
  }

  private static List<Example> examples(TrainingJob job) {
    return Stream.of(job.train(), job.heldOut()).flatMap(List::stream).toList();
  }

  private static FewShotTrial.Options options(TrainingJob job, BooleanSupplier cancelled) {
    int learnt = Collections.frequency(job.seenByChampion(), true);
    // With twice as many examples another start may be better.
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

  private Judged trial(
      TrainingJob job, FewShotMemory memory, TaskAdapter champion, BooleanSupplier cancelled)
      throws IOException {
    boolean[] seen = new boolean[job.train().size()];
    for (int i = 0; i < seen.length; i++) {
      seen[i] = job.seenByChampion().get(i);
    }
    FewShotTrial.Result result =
        new FewShotTrial(model)
            .run(memory, champion, job.train(), seen, job.heldOut(), options(job, cancelled));
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
        result.gain(),
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
