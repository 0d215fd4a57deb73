package io.hyperstream.model.inference;

import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.evaluation.ParameterCount;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.t5.T5Family;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What can be said about a stored model without loading its weights.
 *
 * @param model where it lies and its manifest
 * @param family what kind of model it is
 * @param shape the backbone's
 * @param details what else its configuration says, by name
 * @param adapters the hypernetwork's or plain adapters' configuration; empty for a bare backbone
 * @param parameters how many it has, and what a task costs
 * @param bytesPerColdTask what a task costs that is not being served: its embedding
 * @param bytesPerResidentTask native memory of a task's generated weights while it is served
 * @param tasks the tasks it was trained on
 */
public record ModelInspection(
    StoredModel model,
    String family,
    BackboneShape shape,
    Map<String, Object> details,
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
    HuggingFaceLayout files = model.backbone();
    ModelFamily family = LoadedModel.FAMILIES.of(files.config());
    BackboneShape shape = family.shape(files);
    Optional<AdapterConfig> adapters = Optional.empty();
    if (model.hypernetwork().isPresent()) {
      Path folder = model.hypernetwork().get();
      adapters = Optional.of(AdapterConfig.read(folder.resolve(Manifest.ADAPTER_CONFIG)));
    }
    ParameterCount parameters = parameters(files, family, shape, adapters);
    boolean generated =
        adapters.filter(config -> config.kind() != AdapterConfig.Kind.PLAIN).isPresent();
    return new ModelInspection(
        model,
        family.name(),
        shape,
        family.details(files),
        adapters,
        parameters,
        generated ? (long) Float.BYTES * adapters.get().taskEmbeddingDim() : 0,
        adapters.map(config -> config.weightBytes(shape)).orElse(0L),
        model.sourceTasks());
  }

  /** T5's are counted from its configuration, others' from what is stored. */
  private static ParameterCount parameters(
      HuggingFaceLayout files,
      ModelFamily family,
      BackboneShape shape,
      Optional<AdapterConfig> adapters)
      throws IOException {
    if (family instanceof T5Family) {
      T5Config t5 = T5Config.read(files.config());
      return adapters
          .map(c -> ParameterCount.of(t5, c, Math.max(1, c.tasks().size())))
          .orElseGet(() -> ParameterCount.of(t5));
    }
    TensorSource weights = ShardedSafetensors.openFolder(files.directory());
    long stored = weights.names().stream().mapToLong(name -> weights.info(name).size()).sum();
    return adapters
        .map(c -> ParameterCount.of(stored, shape, c, Math.max(1, c.tasks().size())))
        .orElseGet(() -> ParameterCount.of(stored));
  }
}
