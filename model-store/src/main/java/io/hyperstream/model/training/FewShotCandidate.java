package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.training.FewShotVersion.Form;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A candidate version of one task: adapters by an embedding or as weights, label vectors beside
 * them, and how much each counts. Closing it frees the adapters. One thread at a time.
 */
public final class FewShotCandidate implements AutoCloseable {

  /**
   * What training found.
   *
   * @param start the known task it started from, {@code generic}, {@code mean} or {@code bare}
   * @param examples how many it learnt from
   * @param duplicates copies of a text that were merged
   * @param contradictions texts that came with several labels
   * @param unknownLabels examples whose label the task does not have
   * @param perLabel how many examples each label had that had any
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
      Map<String, Integer> perLabel,
      List<String> missingLabels,
      String decoder,
      double decoderWeight,
      double pooledWeight,
      double lexicalWeight,
      double crossValidatedLoss,
      double seconds) {
    private static final int IMBALANCED = 5;

    /** What there is to say about the examples, in a sentence; empty if nothing. */
    public String remarks() {
      List<String> parts = new ArrayList<>();
      count(parts, duplicates, "copies of a text were merged");
      count(parts, contradictions, "texts came with several labels");
      count(parts, unknownLabels, "examples have labels the task does not have");
      if (!missingLabels.isEmpty()) {
        parts.add("no example of " + String.join(", ", missingLabels));
      }
      var fewest = Collections.min(perLabel.entrySet(), Map.Entry.comparingByValue());
      var most = Collections.max(perLabel.entrySet(), Map.Entry.comparingByValue());
      if (most.getValue() >= IMBALANCED * fewest.getValue()) {
        parts.add(
            "imbalanced: %d examples of %s, %d of %s"
                .formatted(most.getValue(), most.getKey(), fewest.getValue(), fewest.getKey()));
      }
      return String.join("; ", parts);
    }

    private static void count(List<String> parts, int count, String what) {
      if (count > 0) {
        parts.add(count + " " + what);
      }
    }
  }

  private final FewShotMemory memory;
  private final float[] embedding;
  private final AdapterWeights weights;
  private final Optional<LabelHead> head;
  private final Report report;

  FewShotCandidate(
      FewShotMemory memory,
      float[] embedding,
      AdapterWeights weights,
      Optional<LabelHead> head,
      Report report) {
    this.memory = memory;
    this.embedding = embedding;
    this.weights = weights;
    this.head = head;
    this.report = report;
  }

  public Report report() {
    return report;
  }

  FewShotRun.Decoder decoder() {
    return FewShotRun.Decoder.valueOf(report.decoder().toUpperCase(Locale.ROOT));
  }

  boolean hasVectors() {
    return head.isPresent();
  }

  /** The task embedding of its adapters, before any tuning of weights; empty without adapters. */
  public float[] embedding() {
    return embedding.clone();
  }

  /** What it publishes: served, it answers as {@link #predict} does. */
  public FewShotVersion version() {
    boolean tuned = decoder() == FewShotRun.Decoder.WEIGHTS;
    Form form = tuned ? Form.WEIGHTS : head.isPresent() ? Form.PROTOTYPES : Form.EMBEDDING;
    Optional<byte[]> bytes = tuned ? Optional.of(weights.toBytes()) : Optional.empty();
    return new FewShotVersion(form, embedding(), head, bytes);
  }

  /**
   * The probabilities of the task's labels; the examples' own labels are not looked at.
   *
   * @return [rows][labels]
   */
  public double[][] predict(List<Example> examples) {
    FewShotModel.Outputs outputs = outputs(examples);
    double[][] out = new double[examples.size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = outputs.probabilities(memory.task(), head, i, memory.words(examples.get(i)));
    }
    return out;
  }

  /** How unlike the task each text is, as served; NaN where it cannot tell: [rows]. */
  public double[] outOfScope(List<Example> examples) {
    FewShotModel.Outputs outputs = outputs(examples);
    double[] out = new double[examples.size()];
    for (int i = 0; i < out.length; i++) {
      LexicalVector words = memory.words(examples.get(i));
      out[i] = outputs.mixed(memory.task(), head, i, words).outOfScope().orElse(Double.NaN);
    }
    return out;
  }

  private FewShotModel.Outputs outputs(List<Example> examples) {
    if (decoder() == FewShotRun.Decoder.START) {
      return memory.outputs(report.start(), examples);
    }
    return memory
        .model()
        .run(weights, memory.model().inputs(memory.task(), examples), Optional.of(memory.task()));
  }

  @Override
  public void close() {
    weights.close();
  }
}
