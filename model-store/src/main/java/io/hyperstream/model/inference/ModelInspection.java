package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.evaluation.ParameterCount;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What can be said about a stored model without loading its weights.
 *
 * @param model where it lies and its manifest
 * @param backbone the T5's configuration
 * @param adapters the hypernetwork's or plain adapters' configuration; empty for a bare backbone
 * @param parameters how many it has, and what a task costs
 * @param bytesPerColdTask what a task costs that is not being served: its embedding
 * @param bytesPerResidentTask native memory of a task's generated weights while it is served
 * @param tasks the tasks it was trained on
 */
public record ModelInspection(
    StoredModel model,
    T5Config backbone,
    Optional<AdapterConfig> adapters,
    ParameterCount parameters,
    long bytesPerColdTask,
    long bytesPerResidentTask,
    List<SourceTask> tasks) {

  /**
   * Reads a model's configurations.
   *
   * @throws IOException if a file cannot be read
   * @throws io.hyperstream.model.checkpoint.CheckpointException if a configuration is not supported
   */
  public static ModelInspection of(StoredModel model) throws IOException {
    T5Config backbone = T5Config.read(model.backbone().config());
    Optional<AdapterConfig> adapters = Optional.empty();
    if (model.hypernetwork().isPresent()) {
      Path folder = model.hypernetwork().get();
      adapters = Optional.of(AdapterConfig.read(folder.resolve(Manifest.ADAPTER_CONFIG)));
    }
    ParameterCount parameters =
        adapters
            .map(c -> ParameterCount.of(backbone, c, Math.max(1, c.tasks().size())))
            .orElseGet(() -> ParameterCount.of(backbone));
    boolean generated =
        adapters.filter(config -> config.kind() != AdapterConfig.Kind.PLAIN).isPresent();
    return new ModelInspection(
        model,
        backbone,
        adapters,
        parameters,
        generated ? (long) Float.BYTES * adapters.get().taskEmbeddingDim() : 0,
        adapters.map(config -> bytesPerResidentTask(backbone, config)).orElse(0L),
        model.sourceTasks());
  }

  private static long bytesPerResidentTask(T5Config t5, AdapterConfig config) {
    long d = t5.dModel();
    long r = config.bottleneck(t5.dModel());
    long norms = (config.normBefore() ? 2 * d : 0) + (config.normAfter() ? 2 * d : 0);
    long adapters = 2L * (t5.encoderLayers() + t5.decoderLayers());
    return Float.BYTES * adapters * (2 * d * r + d + r + norms);
  }
}
