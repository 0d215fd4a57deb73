package io.hyperstream.app.cli;

import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.bench.ModelShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.family.Objective;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.LoadedModel;
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
          "The T5 or encoder to train: NAME, NAME@VERSION or the id of a model in the store. Environment:"
              + " HYPERSTREAM_MODEL_NAME. Default: ${DEFAULT-VALUE}, which ships with Hyperstream.")
  private String model;

  @Mixin private StoreOptions store;

  @Option(
      names = "--backbone",
      paramLabel = "DIR|NAME",
      description =
          "Instead of --model: the folder of a T5 (config.json, model.safetensors, spiece.model) or"
              + " of an encoder (.., tokenizer.json); or a model in the store, without its adapters.")
  private String backbone;

  @Option(
      names = "--init",
      paramLabel = "FROM",
      defaultValue = "pretrained",
      description = {
        "pretrained: the model's backbone, new adapters (default).",
        "continue: the model's adapters too; tasks it does not know get new ones.",
        "random: nothing but the shape and the tokenizer of a T5; then all of it is trained."
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
      description =
          "d_model over the width of new adapters. Default: "
              + Preset.REDUCTION_FACTOR
              + "; for an encoder "
              + Preset.ENCODER_REDUCTION_FACTOR
              + ".")
  private Integer reductionFactor;

  @Option(
      names = "--first-layer",
      paramLabel = "N",
      description =
          "Layers of an encoder below it have no adapters: tasks share what these make of a text."
              + " Default: half of the layers.")
  private Integer firstLayer;

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

  /** Refuses what cannot be done with a backbone. */
  void check(Objective objective) {
    if (objective != Objective.LABEL_VECTORS) {
      if (firstLayer != null) {
        throw CommandFailure.usage("--first-layer goes with an encoder; this is a T5");
      }
      return;
    }
    Trainable chosen = trainable();
    boolean other = parts != null && parts.contains("layer-norms");
    if (chosen.backbone() || chosen.lmHead() || other || !chosen.adapters()) {
      throw CommandFailure.usage(
          (parts == null ? "--preset " + preset : "--train " + String.join(",", parts))
              + ": of an encoder only adapters are trained; choose --preset hyperformer++,"
              + " hyperformer, adapters-shared-norms or adapters");
    }
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
  ModelSource withAdapters(ModelSource source, List<String> tasks, long seed) throws IOException {
    Optional<AdapterConfig> adapters =
        source.adapters().isPresent()
            ? source.adapters().map(known -> known.forTasks(tasks))
            : fresh(source, tasks);
    return adapters.isPresent() ? source.withAdapters(adapters.get(), seed) : source;
  }

  private Optional<AdapterConfig> fresh(ModelSource source, List<String> tasks) throws IOException {
    return switch (source.family().objective()) {
      case TARGET_TOKENS -> preset().adapters(tasks, factor(Preset.REDUCTION_FACTOR));
      case LABEL_VECTORS -> {
        int layers = source.shape().layers(Stack.ENCODER);
        if (firstLayer != null && (firstLayer < 0 || firstLayer >= layers)) {
          throw CommandFailure.usage(
              "--first-layer must be 0 to %d; got %d".formatted(layers - 1, firstLayer));
        }
        yield preset()
            .encoderAdapters(
                tasks,
                factor(Preset.ENCODER_REDUCTION_FACTOR),
                firstLayer != null ? firstLayer : layers / 2);
      }
    };
  }

  private int factor(int otherwise) {
    return reductionFactor != null ? reductionFactor : otherwise;
  }

  private ModelSource random(Path output, long seed) throws IOException {
    if (config == null || tokenizer == null) {
      ModelFamily family = LoadedModel.FAMILIES.of(folder().resolve(HuggingFaceLayout.CONFIG));
      if (family.objective() != Objective.TARGET_TOKENS) {
        throw CommandFailure.usage(
            "--init random makes a T5, and this is an encoder; name a T5 with --model, or both"
                + " --config and --tokenizer");
      }
    }
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
    if (backbone != null && Files.isDirectory(Path.of(backbone))) {
      return Path.of(backbone);
    }
    if (backbone != null && backbone.contains("/")) {
      throw CommandFailure.usage("--backbone: no such folder: " + backbone);
    }
    StoredModel stored = store.load(backbone != null ? backbone : model);
    return stored.directory().resolve(Manifest.BACKBONE);
  }
}
