package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.task.TaskDefinition;
import java.util.List;
import java.util.Optional;

/**
 * A candidate version of one task: adapters by an embedding or as weights, label vectors beside
 * them, and how much each counts. Closing it frees the adapters. One thread at a time.
 */
public final class FewShotCandidate implements AutoCloseable {

  /**
   * What training found.
   *
   * @param start the known task it started from, or {@code mean}
   * @param examples how many it learnt from
   * @param duplicates copies of a text that were merged
   * @param contradictions texts that came with several labels
   * @param unknownLabels examples whose label the task does not have
   * @param missingLabels labels without an example
   * @param decoder which decoder answers: {@code start}, {@code embedding} or {@code weights}
   * @param decoderWeight what its log-scores count
   * @param pooledWeight what label vectors over encoder states count
   * @param lexicalWeight what label vectors over words count
   * @param crossValidatedLoss mean log-loss on examples left out of training; NaN if there were too
   *     few to leave any out
   * @param seconds it took
   */
  public record Report(
      String start,
      int examples,
      int duplicates,
      int contradictions,
      int unknownLabels,
      List<String> missingLabels,
      String decoder,
      double decoderWeight,
      double pooledWeight,
      double lexicalWeight,
      double crossValidatedLoss,
      double seconds) {}

  private final FewShotModel model;
  private final TaskDefinition task;
  private final CandidateScorer scorer;
  private final LexicalFeatures lexical;
  private final float[] embedding;
  private final AdapterWeights start;
  private final Optional<AdapterWeights> tuned;
  private final Optional<Prototypes> prototypes;
  private final Report report;

  FewShotCandidate(
      FewShotModel model,
      TaskDefinition task,
      CandidateScorer scorer,
      float[] embedding,
      AdapterWeights start,
      Optional<AdapterWeights> tuned,
      Optional<Prototypes> prototypes,
      Report report) {
    this.model = model;
    this.task = task;
    this.scorer = scorer;
    this.lexical = new LexicalFeatures(model.tokenizer());
    this.embedding = embedding;
    this.start = start;
    this.tuned = tuned;
    this.prototypes = prototypes;
    this.report = report;
  }

  public Report report() {
    return report;
  }

  /** The task embedding of its adapters, before any tuning of weights. */
  public float[] embedding() {
    return embedding.clone();
  }

  /**
   * The probabilities of the task's labels; the examples' own labels are not looked at.
   *
   * @return [rows][labels]
   */
  public double[][] predict(List<Example> examples) {
    TaskData.Rows rows = TaskData.encode(task, examples, model.tokenizer(), model.maxSource());
    FewShotModel.Outputs outputs =
        model.run(tuned.isEmpty() ? start : tuned.get(), rows.inputs(), scorer);
    float[][] pooled = outputs.pooled();
    if (prototypes.isPresent() && tuned.isPresent()) {
      pooled = model.run(start, rows.inputs(), null).pooled(); // what the vectors were fitted on
    }
    double[][] out = new double[examples.size()][];
    for (int i = 0; i < out.length; i++) {
      double[] logits = outputs.scores()[i].clone();
      for (int l = 0; l < logits.length; l++) {
        logits[l] *= report.decoderWeight();
      }
      if (prototypes.isPresent()) {
        add(logits, report.pooledWeight(), prototypes.get().pooledLogits(pooled[i]));
        double[] words = lexical.of(examples.get(i));
        add(logits, report.lexicalWeight(), prototypes.get().lexicalLogits(words));
      }
      out[i] = Stacking.softmax(logits);
    }
    return out;
  }

  private static void add(double[] logits, double factor, double[] more) {
    for (int l = 0; l < logits.length; l++) {
      logits[l] += factor * more[l];
    }
  }

  @Override
  public void close() {
    tuned.ifPresent(AdapterWeights::close);
    start.close();
  }
}
