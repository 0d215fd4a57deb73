package io.hyperstream.model.training;

import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.OverlaidTensors;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.t5.T5Family;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What training starts from. Makers of random parts take a seed.
 *
 * @param family of the backbone
 * @param backbone its weights
 * @param adapters what kind of adapters; empty for none
 * @param adapterWeights where hypernetworks or adapters lie
 * @param folder the backbone's files, copied into what is written
 * @param fingerprint the same for the same weights, wherever they lie
 */
public record ModelSource(
    ModelFamily family,
    TensorSource backbone,
    Optional<AdapterConfig> adapters,
    TensorSource adapterWeights,
    HuggingFaceLayout folder,
    String fingerprint) {
  private static final long WINDOW = 1 << 30;

  /** A backbone in Hugging Face layout, without adapters. */
  public static ModelSource backbone(Path folder) throws IOException {
    HuggingFaceLayout layout = LoadedModel.FAMILIES.layout(folder);
    ModelFamily family = LoadedModel.FAMILIES.of(layout.config());
    TensorSource weights = ShardedSafetensors.openFolder(folder);
    String fingerprint = "backbone " + checksum(layout.weights());
    return new ModelSource(family, weights, Optional.empty(), weights, layout, fingerprint);
  }

  /**
   * A T5 with random weights, to be trained from scratch.
   *
   * @param config {@code config.json} of its shape
   * @param tokenizer {@code spiece.model}
   */
  public static ModelSource random(Path config, Path tokenizer, long seed) throws IOException {
    T5Config shape = T5Config.read(config);
    Path folder = config.toAbsolutePath().getParent();
    return new ModelSource(
        new T5Family(),
        new InitialWeights(InitialWeights.nothing(), InitialWeights.reference(shape), seed),
        Optional.empty(),
        InitialWeights.nothing(),
        new HuggingFaceLayout(folder, config, List.of(), Optional.empty(), List.of(tokenizer)),
        shape + " seed " + seed);
  }

  /** What makes tokens: {@code spiece.model} or {@code tokenizer.json}. */
  public Path tokenizer() {
    return folder.others().get(0);
  }

  /** The backbone's shape. */
  public BackboneShape shape() throws IOException {
    return family.shape(folder);
  }

  /** The same with the hypernetwork or adapters of a folder. */
  public ModelSource withAdapters(Path hypernetwork) throws IOException {
    Path file = hypernetwork.resolve(Manifest.HYPERNETWORK_WEIGHTS);
    TensorSource trained = Safetensors.open(file);
    AdapterConfig of = AdapterConfig.read(hypernetwork.resolve(Manifest.ADAPTER_CONFIG));
    return new ModelSource(
        family,
        new OverlaidTensors(trained, backbone),
        Optional.of(of),
        trained,
        folder,
        fingerprint + " " + of + " " + checksum(List.of(file)));
  }

  /** The same with adapters for the configuration's tasks; what is not there is made at random. */
  public ModelSource withAdapters(AdapterConfig of, long seed) throws IOException {
    TensorSource known = adapters.isPresent() ? adapterWeights : InitialWeights.nothing();
    InitialWeights.Spread spread =
        switch (family.objective()) {
          case TARGET_TOKENS -> InitialWeights.reference(T5Config.read(folder.config()));
          case LABEL_VECTORS -> InitialWeights.nearIdentity();
        };
    TensorSource made = new InitialWeights(known, spread, seed);
    String all = fingerprint + " " + of + " seed " + seed;
    return new ModelSource(family, backbone, Optional.of(of), made, folder, all);
  }

  private static String checksum(List<Path> files) throws IOException {
    CRC32C crc = new CRC32C();
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file)) {
        for (long at = 0; at < channel.size(); at += WINDOW) {
          long bytes = Math.min(WINDOW, channel.size() - at);
          MappedByteBuffer part = channel.map(FileChannel.MapMode.READ_ONLY, at, bytes);
          crc.update(part);
        }
      }
    }
    return Long.toHexString(crc.getValue());
  }
}
