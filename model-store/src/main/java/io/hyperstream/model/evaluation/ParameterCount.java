package io.hyperstream.model.evaluation;

import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;

/**
 * How many parameters a model has and how many of them a task costs, from the configurations alone
 * (table 1 and section 3.2 of the paper count this way).
 *
 * @param backbone T5 without adapters, tied embeddings once
 * @param norms T5's layer norms, which are trained along
 * @param taskEmbeddings all tasks' embeddings
 * @param hyperNetworks both stacks' hypernetworks
 * @param adapters all tasks' plain adapters with their shared norms
 * @param tasks how many tasks share them
 */
public record ParameterCount(
    long backbone, long norms, long taskEmbeddings, long hyperNetworks, long adapters, int tasks) {

  /** The bare backbone. */
  public static ParameterCount of(T5Config t5) {
    return new ParameterCount(backbone(t5), norms(t5), 0, 0, 0, 0);
  }

  /**
   * Another bare backbone.
   *
   * @param backbone its numbers
   */
  public static ParameterCount of(long backbone) {
    return new ParameterCount(backbone, 0, 0, 0, 0, 0);
  }

  /** Another backbone with a hypernetwork for a number of tasks. */
  public static ParameterCount of(
      long backbone, BackboneShape shape, AdapterConfig config, int tasks) {
    long hyperNetworks =
        shape.present().stream()
            .mapToLong(
                stack -> hyperNetwork(shape.width(), config, config.adapted(shape).layers(stack)))
            .sum();
    long embeddings = (long) tasks * config.taskEmbeddingDim();
    return new ParameterCount(backbone, 0, embeddings, hyperNetworks, 0, tasks);
  }

  /** A backbone with adapters for a number of tasks. */
  public static ParameterCount of(T5Config t5, AdapterConfig config, int tasks) {
    if (tasks < 1) {
      throw new IllegalArgumentException("at least one task is needed; got " + tasks);
    }
    boolean plain = config.kind() == AdapterConfig.Kind.PLAIN;
    return new ParameterCount(
        backbone(t5),
        norms(t5),
        plain ? 0 : (long) tasks * config.taskEmbeddingDim(),
        plain
            ? 0
            : hyperNetwork(t5.dModel(), config, t5.encoderLayers())
                + hyperNetwork(t5.dModel(), config, t5.decoderLayers()),
        plain ? plainAdapters(t5, config, tasks) : 0,
        tasks);
  }

  /** What training changes: embeddings, hypernetworks or adapters, and T5's norms. */
  public long trained() {
    return taskEmbeddings + hyperNetworks + adapters + norms;
  }

  /** Everything there is, the norms once. */
  public long total() {
    return backbone + taskEmbeddings + hyperNetworks + adapters;
  }

  /** Trained parameters per task, in percent of the backbone. */
  public double percentPerTask() {
    return tasks == 0 ? 0 : 100.0 * trained() / tasks / backbone;
  }

  /** The paper's "total parameters": backbone and trained parameters over the backbone. */
  public double ratio() {
    return tasks == 0 ? 1 : (double) (backbone + trained()) / backbone;
  }

  private static long backbone(T5Config c) {
    long d = c.dModel();
    long embeddings = d * c.vocabSize() * (c.tiedEmbeddings() ? 1 : 2);
    long attention = 4 * d * c.innerWidth();
    long feedForward = d * c.dFf() * (c.gated() ? 3 : 2);
    long biases = (long) c.buckets() * c.heads() * (c.crossBias() ? 3 : 2);
    return embeddings
        + c.encoderLayers() * (attention + feedForward)
        + c.decoderLayers() * (2 * attention + feedForward)
        + biases
        + norms(c);
  }

  private static long norms(T5Config c) {
    return c.dModel() * (2L * c.encoderLayers() + 1 + 3L * c.decoderLayers() + 1);
  }

  private static long hyperNetwork(int width, AdapterConfig c, long layers) {
    long t = c.taskEmbeddingDim();
    long p = c.projectedDim();
    boolean shared = c.kind() == AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS;
    long embeddings = (layers + (shared ? 2 : 0)) * t;
    long projection = linear((shared ? 3 : 2) * t, c.hiddenDim()) + linear(c.hiddenDim(), p);
    long norm = c.normalizedInput() ? 2 * p : 0;
    long d = width;
    long r = c.bottleneck(width);
    int normPairs = (c.normBefore() ? 1 : 0) + (c.normAfter() ? 1 : 0);
    long generators =
        2 * linear(p, d * r) + linear(p, d) + linear(p, r) + 2L * normPairs * linear(p, d);
    return embeddings + projection + norm + generators * (shared ? 1 : 2);
  }

  private static long plainAdapters(T5Config t5, AdapterConfig c, long tasks) {
    long d = t5.dModel();
    long r = c.bottleneck(t5.dModel());
    long places = 2L * (t5.encoderLayers() + t5.decoderLayers());
    long norms = 2 * d * ((c.normBefore() ? 1 : 0) + (c.normAfter() ? 1 : 0));
    return places * (tasks * (2 * d * r + d + r) + norms);
  }

  private static long linear(long in, long out) {
    return in * out + out;
  }
}
