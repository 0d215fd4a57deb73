package io.hyperstream.model.inference;

import ai.djl.Device;
import io.hyperstream.model.bert.BertFamily;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.OverlaidTensors;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.family.ModelFamilies;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.store.ModelImporter;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5Family;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A backbone with what makes its adapters, loaded. Whoever opened it closes it; what it was made of
 * is closed in reverse order.
 *
 * @param family the model without adapters
 * @param adapters what makes adapters; empty for a bare backbone
 */
public record LoadedModel(FamilyModel family, Optional<AdapterFactory> adapters)
    implements AutoCloseable {
  /** The families that can be served. */
  public static final ModelFamilies FAMILIES =
      new ModelFamilies(List.of(new T5Family(), new BertFamily()));

  /**
   * Loads a stored model. Its files must be verified, as {@code ModelStore.load} does.
   *
   * @throws IOException if a file is missing or cannot be read
   * @throws io.hyperstream.model.checkpoint.CheckpointException if a file is not what it should be
   */
  public static LoadedModel open(StoredModel model, Optional<Device> device, ReadoutOptions options)
      throws IOException {
    return open(model.backbone().directory(), model.hypernetwork(), device, options);
  }

  /**
   * The same from folders.
   *
   * @param backbone in Hugging Face layout
   * @param hypernetwork with {@value Manifest#ADAPTER_CONFIG} and {@value
   *     Manifest#HYPERNETWORK_WEIGHTS}
   */
  public static LoadedModel open(
      Path backbone, Optional<Path> hypernetwork, Optional<Device> device, ReadoutOptions options)
      throws IOException {
    return open(backbone, hypernetwork, device, options, tensors -> tensors);
  }

  /**
   * The same, with something between the files and the model.
   *
   * @param through what is put around the backbone's tensors, then around the hypernetwork's
   */
  static LoadedModel open(
      Path backbone,
      Optional<Path> hypernetwork,
      Optional<Device> device,
      ReadoutOptions options,
      UnaryOperator<TensorSource> through)
      throws IOException {
    HuggingFaceLayout files = FAMILIES.layout(backbone);
    ModelFamily family = FAMILIES.of(files.config());
    TensorSource weights = ShardedSafetensors.openFolder(files.directory());
    if (hypernetwork.isEmpty()) {
      return new LoadedModel(
          family.open(files, through.apply(weights), device, options), Optional.empty());
    }
    Path folder = hypernetwork.get();
    TensorSource trained = Safetensors.open(folder.resolve(Manifest.HYPERNETWORK_WEIGHTS));
    AdapterConfig config = AdapterConfig.read(folder.resolve(Manifest.ADAPTER_CONFIG));
    TensorSource overlaid = through.apply(new OverlaidTensors(trained, weights));
    FamilyModel opened = family.open(files, overlaid, device, options);
    try {
      AdapterFactory factory =
          AdapterFactory.load(opened.backbone().shape(), config, through.apply(trained), device);
      return new LoadedModel(opened, Optional.of(factory));
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  /** Brings models into a store that can be served from it. */
  public static ModelImporter importer(ModelStore store) {
    return new ModelImporter(store, FAMILIES, ModelTrial::run);
  }

  @Override
  public void close() {
    adapters.ifPresent(AdapterFactory::close);
    family.close();
  }
}
