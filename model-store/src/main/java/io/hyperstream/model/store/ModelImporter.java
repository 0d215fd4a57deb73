package io.hyperstream.model.store;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.family.ModelFamilies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Brings models from folders and hubs into a store. Safe for use by several threads. */
public final class ModelImporter {
  private static final String SUMS = "SHA256SUMS";
  private static final String README = "README.md";
  private static final long MAX_SUMS_BYTES = 1 << 20;
  private static final int DEFAULT_SOURCE_TOKENS = 512;
  private static final int DEFAULT_TARGET_TOKENS = 128;

  /** Of an encoder: the least that a card can say. */
  private static final int NOTHING = 2;

  /** Tries a model before it enters the store. */
  @FunctionalInterface
  public interface Trial {
    /**
     * @param backbone in Hugging Face layout
     * @param hypernetwork its folder, if the model has one
     * @throws IOException in a sentence that says what is wrong with which file
     */
    void open(Path backbone, Optional<Path> hypernetwork, ModelCard card) throws IOException;
  }

  private final ModelStore store;
  private final ModelFamilies families;
  private final Trial trial;

  /**
   * @param families whose models are taken
   * @param trial opens what serving would open
   */
  public ModelImporter(ModelStore store, ModelFamilies families, Trial trial) {
    this.store = store;
    this.families = families;
    this.trial = trial;
  }

  /**
   * Imports a folder: a checkpoint in Hugging Face layout, or one with {@code backbone/} and {@code
   * hypernetwork/} as stores and the starter model have it. A {@code SHA256SUMS} in it is checked.
   *
   * @throws NoSuchFileException naming what is missing
   * @throws IOException if a checksum is wrong, a file cannot be read or the model not be served
   */
  public StoredModel importFolder(Path folder, ImportOptions options) throws IOException {
    return importFolder(folder, folder.toString(), options);
  }

  /**
   * Downloads a backbone from a model hub and imports it. An interrupted download resumes where it
   * was when called again.
   */
  public StoredModel importFromHub(
      HubModel hub, ImportOptions options, HubDownloader.Progress progress) throws IOException {
    String name = options.name().orElse(hub.repository().replace("/", "--"));
    HubDownloader downloader = new HubDownloader(hub, families, progress);
    ImportOptions named = options.named(name);
    Path work = store.workFolder(hub.key());
    // Two processes that want the same model take turns.
    StoreLock lock = new StoreLock(work.resolveSibling(work.getFileName() + ".lock"));
    return lock.call(
        () -> {
          downloader.download(work);
          StoredModel model = importFolder(work, hub.toString(), named);
          StoreFiles.deleteTree(work);
          return model;
        });
  }

  private StoredModel importFolder(Path folder, String source, ImportOptions options)
      throws IOException {
    try {
      return tryAndStore(folder, source, options);
    } catch (CheckpointException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private StoredModel tryAndStore(Path folder, String source, ImportOptions options)
      throws IOException {
    boolean nested = Files.isDirectory(folder.resolve(Manifest.BACKBONE));
    checkSums(folder);
    HuggingFaceLayout backbone =
        families.layout(nested ? folder.resolve(Manifest.BACKBONE) : folder);
    Optional<Path> hypernetwork =
        options
            .hypernetwork()
            .or(
                () ->
                    Optional.of(folder.resolve(Manifest.HYPERNETWORK)).filter(Files::isDirectory));
    if (hypernetwork.isPresent()) {
      requireFile(hypernetwork.get().resolve(Manifest.ADAPTER_CONFIG));
      requireFile(hypernetwork.get().resolve(Manifest.HYPERNETWORK_WEIGHTS));
    }
    Path tasks = folder.resolve(Manifest.TASKS);
    if (Files.exists(tasks)) {
      SourceTask.readAll(tasks); // refuse it now rather than at start-up
    }
    String name =
        options
            .name()
            .orElseGet(() -> folder.toAbsolutePath().normalize().getFileName().toString());
    ModelCard card = card(folder, backbone, source, options);
    Map<String, byte[]> written =
        options.prefix().isEmpty()
            ? Map.of()
            : families.of(backbone.config()).withPrefix(backbone, options.prefix().orElseThrow());
    trial.open(backbone.directory(), hypernetwork, card);
    return store.publish(
        name,
        card,
        target -> {
          for (Path file : backbone.files()) {
            String path = backbone.directory().relativize(file).toString();
            StoreFiles.copy(file, target.resolve(Manifest.BACKBONE).resolve(path));
          }
          for (Map.Entry<String, byte[]> file : written.entrySet()) {
            Files.write(target.resolve(Manifest.BACKBONE).resolve(file.getKey()), file.getValue());
          }
          if (hypernetwork.isPresent()) {
            for (String file : List.of(Manifest.ADAPTER_CONFIG, Manifest.HYPERNETWORK_WEIGHTS)) {
              copyInto(hypernetwork.get().resolve(file), target.resolve(Manifest.HYPERNETWORK));
            }
          }
          for (Path file : List.of(tasks, folder.resolve(README))) {
            if (Files.isRegularFile(file)) {
              copyInto(file, target);
            }
          }
        });
  }

  private static void copyInto(Path file, Path directory) throws IOException {
    StoreFiles.copy(file, directory.resolve(file.getFileName()));
  }

  private static void requireFile(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString(), null, "a hypernetwork's folder needs it");
    }
  }

  private static void checkSums(Path folder) throws IOException {
    Path file = folder.resolve(SUMS);
    if (!Files.isRegularFile(file)) {
      return;
    }
    if (Files.size(file) > MAX_SUMS_BYTES) {
      throw new IOException(file + " is larger than " + MAX_SUMS_BYTES + " bytes");
    }
    Map<String, String> sums = Checksums.parseSums(Files.readAllLines(file), file.toString());
    for (Map.Entry<String, String> sum : sums.entrySet()) {
      Path named = folder.resolve(sum.getKey());
      String actual = Checksums.sha256(named);
      if (!actual.equals(sum.getValue())) {
        throw new IOException(
            "%s has SHA-256 %s, %s says %s: it is damaged"
                .formatted(named, actual, SUMS, sum.getValue()));
      }
    }
  }

  private ModelCard card(
      Path folder, HuggingFaceLayout backbone, String source, ImportOptions options)
      throws IOException {
    Optional<ModelCard> known =
        Files.exists(folder.resolve(Manifest.FILE))
            ? Optional.of(Manifest.read(folder).card())
            : Optional.empty();
    int sourceTokens = known.map(ModelCard::maxSourceTokens).orElse(longestInput(backbone));
    int written = shape(backbone).layers(Stack.DECODER) == 0 ? NOTHING : DEFAULT_TARGET_TOKENS;
    int targetTokens = known.map(ModelCard::maxTargetTokens).orElse(written);
    return new ModelCard(
        options.maxSourceTokens().orElse(sourceTokens),
        options.maxTargetTokens().orElse(targetTokens),
        known.map(ModelCard::metrics).orElse(Map.of()),
        options.licence().isEmpty() ? known.map(ModelCard::licence).orElse("") : options.licence(),
        known.map(ModelCard::source).orElse(source),
        options.notes().isEmpty() ? known.map(ModelCard::notes).orElse("") : options.notes());
  }

  private BackboneShape shape(HuggingFaceLayout backbone) throws IOException {
    return families.of(backbone.config()).shape(backbone);
  }

  /** What the backbone was trained on. T5 says it as {@code n_positions}, and has no hard limit. */
  private int longestInput(HuggingFaceLayout backbone) throws IOException {
    JsonNode config = ConfigFields.read(backbone.config(), HuggingFaceLayout.MAX_CONFIG_BYTES);
    int positions = config.path("n_positions").asInt(DEFAULT_SOURCE_TOKENS);
    int most = shape(backbone).maxTokens();
    return Math.max(2, Math.min(Math.min(positions, most), ModelCard.MAX_TOKENS));
  }
}
