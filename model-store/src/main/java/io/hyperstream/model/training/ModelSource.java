package io.hyperstream.model.training;

import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.OverlaidTensors;
import io.hyperstream.model.t5.T5Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What training starts from. Makers of random parts take a seed.
 *
 * @param backbone T5's weights
 * @param adapters what kind of adapters; empty for none
 * @param adapterWeights where hypernetworks or adapters lie
 * @param folder the backbone's files, copied into what is written
 */
public record ModelSource(
    T5Config config,
    TensorSource backbone,
    Optional<AdapterConfig> adapters,
    TensorSource adapterWeights,
    HuggingFaceLayout folder) {

  /** A backbone in Hugging Face layout, without adapters. */
  public static ModelSource backbone(Path folder) throws IOException {
    HuggingFaceLayout layout = HuggingFaceLayout.open(folder);
    TensorSource weights = ShardedSafetensors.openFolder(folder);
    T5Config config = T5Config.read(layout.config());
    return new ModelSource(config, weights, Optional.empty(), weights, layout);
  }

  /** The same with the hypernetwork or adapters of a folder. */
  public ModelSource withAdapters(Path hypernetwork) throws IOException {
    TensorSource trained = Safetensors.open(hypernetwork.resolve(Manifest.HYPERNETWORK_WEIGHTS));
    AdapterConfig of = AdapterConfig.read(hypernetwork.resolve(Manifest.ADAPTER_CONFIG));
    TensorSource over = new OverlaidTensors(trained, backbone);
    return new ModelSource(config, over, Optional.of(of), trained, folder);
  }

  /** The same with adapters for the configuration's tasks; what is not there is made at random. */
  public ModelSource withAdapters(AdapterConfig of, long seed) {
    TensorSource known = adapters.isPresent() ? adapterWeights : InitialWeights.nothing();
    TensorSource made = new InitialWeights(known, config, seed);
    return new ModelSource(config, backbone, Optional.of(of), made, folder);
  }

  /** The same architecture and tokenizer with random weights. */
  public ModelSource fromScratch(long seed) {
    TensorSource made = new InitialWeights(InitialWeights.nothing(), config, seed);
    return new ModelSource(config, made, adapters, adapterWeights, folder);
  }
}
