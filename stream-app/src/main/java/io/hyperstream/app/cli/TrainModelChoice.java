package io.hyperstream.app.cli;

import io.hyperstream.model.bench.ModelShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5Family;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import io.hyperstream.model.training.ModelSource;
import io.hyperstream.model.training.Preset;
import io.hyperstream.model.training.Trainable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code train} starts from and which weights it changes. */
final class TrainModelChoice {
  private static final List<String> PARTS =
      List.of("backbone", "layer-norms", "lm-head", "adapters", "adapter-norms");
  private static final int VOCABULARY_MULTIPLE = 128;

  /** Where the first weights come from. */
  enum Init {
    PRETRAINED,
    CONTINUE,
    RANDOM
  }

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      defaultValue = "hyperformer++",
      description =
          "hyperformer++, hyperformer, adapters-shared-norms, adapters (a model per task),"
              + " finetune, finetune-single-task (a model per task): the models the paper"
              + " compares. Default: ${DEFAULT-VALUE}.")
  private String preset;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = "${env:HYPERSTREAM_MODEL_NAME:-" + StarterModel.NAME + "}",
      description =
          "The T5 to train: NAME, NAME@VERSION or the id of a model in the store. Environment:"
              + " HYPERSTREAM_MODEL_NAME. Default: ${DEFAULT-VALUE}, which ships with Hyperstream.")
  private String model;

  @Mixin private StoreOptions store;

  @Option(
      names = "--backbone",
      paramLabel = "DIR",
      description =
          "A T5 folder (config.json, model.safetensors, spiece.model) instead of --model.")
  private Path backbone;

  @Option(
      names = "--init",
      paramLabel = "FROM",
      defaultValue = "pretrained",
      description = {
        "pretrained: the model's T5, new adapters (default).",
        "continue: the model's adapters too; tasks it does not know get new ones.",
        "random: nothing but the shape and the tokenizer; then all of it is trained."
      })
  private Init init;

  @Option(
      names = "--config",
      paramLabel = "SHAPE",
      description = "With --init random: t5-small, t5-base or a config.json. Default: the model's.")
  private String config;

  @Option(
      names = "--tokenizer",
      paramLabel = "FILE",
      description = "With --init random: a spiece.model. Default: the model's.")
  private Path tokenizer;

  @Option(
      names = "--reduction-factor",
      paramLabel = "N",
      defaultValue = "" + Preset.REDUCTION_FACTOR,
      description = "d_model over the width of new adapters. Default: ${DEFAULT-VALUE}.")
  private int reductionFactor;

  @Option(
      names = "--train",
      split = ",",
      paramLabel = "PART",
      description =
          "What is trained instead of the preset's choice: backbone, layer-norms, lm-head (in T5"
              + " v1.0 the embedding table), adapters (or hypernetworks), adapter-norms.")
  private List<String> parts;

  Preset preset() {
    try {
      return Preset.named(preset);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage("--preset: " + e.getMessage());
    }
  }

  Trainable trainable() {
    if (parts == null) {
      return init == Init.RANDOM ? Trainable.EVERYTHING : preset().trainable();
    }
    for (String part : parts) {
      if (!PARTS.contains(part)) {
        throw CommandFailure.usage(
            "--train knows " + String.join(", ", PARTS) + "; not '" + part + "'");
      }
    }
    Set<String> chosen = Set.copyOf(parts);
    return new Trainable(
        chosen.contains("backbone"),
        chosen.contains("layer-norms"),
        chosen.contains("lm-head"),
        chosen.contains("adapters"),
        chosen.contains("adapter-norms"));
  }

  /** The backbone, before there are adapters. */
  ModelSource backbone(Path output, long seed) throws IOException {
    if (init != Init.RANDOM && (config != null || tokenizer != null)) {
      throw CommandFailure.usage("--config and --tokenizer go with --init random");
    }
    if (init == Init.CONTINUE && backbone != null) {
      throw CommandFailure.usage(
          "--init continue takes a --model, which has adapters to go on from");
    }
    if (init == Init.RANDOM) {
      return random(output, seed);
    }
    ModelSource source = ModelSource.backbone(folder());
    if (init == Init.PRETRAINED) {
      return source;
    }
    StoredModel stored = store.load(model);
    Path hypernetwork =
        stored
            .hypernetwork()
            .orElseThrow(
                () ->
                    CommandFailure.failed(
                        "--init continue: " + stored.reference() + " has no adapters"));
    return source.withAdapters(hypernetwork);
  }

  /** The same with adapters for some tasks, where the preset has adapters. */
  ModelSource withAdapters(ModelSource source, List<String> tasks, long seed) {
    Optional<AdapterConfig> adapters =
        source
            .adapters()
            .map(known -> known.withTasks(tasks))
            .or(() -> preset().adapters(tasks, reductionFactor));
    return adapters.map(of -> source.withAdapters(of, seed)).orElse(source);
  }

  private ModelSource random(Path output, long seed) throws IOException {
    Path pieces = tokenizer != null ? tokenizer : folder().resolve(T5Family.TOKENIZER);
    if (config == null) {
      return ModelSource.random(HuggingFaceLayout.open(folder()).config(), pieces, seed);
    }
    if (Files.isRegularFile(Path.of(config))) {
      return ModelSource.random(Path.of(config), pieces, seed);
    }
    ModelShape shape;
    try {
      shape = ModelShape.named(config.toLowerCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage("--config: no such file, and " + e.getMessage());
    }
    int vocabulary;
    try (SentencePieceTokenizer known = SentencePieceTokenizer.open(pieces)) {
      int multiple = VOCABULARY_MULTIPLE;
      vocabulary = (known.size() + multiple - 1) / multiple * multiple;
    }
    Path written = Files.createDirectories(output).resolve(HuggingFaceLayout.CONFIG);
    Files.writeString(written, shape.configJson(vocabulary));
    return ModelSource.random(written, pieces, seed);
  }

  private Path folder() throws IOException {
    return backbone != null ? backbone : store.load(model).directory().resolve(Manifest.BACKBONE);
  }
}
