package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.checkpoint.SourceTask;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models that ship with the code, so that the first command works offline. Each lies on the
 * class path beside this class, in a folder of its name: {@code SHA256SUMS}, the files that it
 * names, and the card, {@code README.md}. A pretrained encoder is a jar of its own, which may be
 * taken out of an installation and put into it.
 */
public enum ShippedModel {
  /** T5-mini with a hypernetwork of 18 tasks, in model-store's own jar. */
  STARTER_T5_MINI(StarterModel.NAME, "model-store", StarterModel.MAX_SOURCE_TOKENS),

  /** The encoder bge-small-en-v1.5 with a hypernetwork of 18 tasks. */
  BGE_SMALL(ShippedModel.DEFAULT, "bge-small-en-v1.5", 512),

  /** The encoder all-MiniLM-L6-v2; only in a build that was asked for it. */
  MINILM("minilm", "all-minilm-l6-v2", 256);

  /** The name of the model that is served unless another is asked for. */
  public static final String DEFAULT = "bge-small";

  private static final Logger LOG = LoggerFactory.getLogger(ShippedModel.class);
  private static final String SUMS = "SHA256SUMS";
  private static final String README = "README.md";
  private static final int STARTER_TARGET_TOKENS = 32;

  /** An encoder decodes nothing; this is the least that a card can say. */
  private static final int NO_TARGET_TOKENS = 2;

  private final String modelName;
  private final String artifact;
  private final int maxSourceTokens;

  ShippedModel(String modelName, String artifact, int maxSourceTokens) {
    this.modelName = modelName;
    this.artifact = artifact;
    this.maxSourceTokens = maxSourceTokens;
  }

  /** Its name in a store. */
  public String modelName() {
    return modelName;
  }

  /** The artifact of group {@code io.hyperstream} that holds it. */
  public String artifact() {
    return artifact;
  }

  /** Whether its jar is on the class path. */
  public boolean isPresent() {
    return ShippedModel.class.getResource(resource(SUMS)) != null;
  }

  /** Those on the class path. */
  public static List<ShippedModel> present() {
    return Arrays.stream(values()).filter(ShippedModel::isPresent).toList();
  }

  /** The one of a name, on the class path or not. */
  public static Optional<ShippedModel> named(String name) {
    return Arrays.stream(values()).filter(model -> model.modelName.equals(name)).findFirst();
  }

  /**
   * A model for a reference as {@link ModelStore#load} takes it; one that ships with the code is
   * {@linkplain #install installed} when it is asked for by its name.
   */
  public static StoredModel load(ModelStore store, String reference) throws IOException {
    Optional<ShippedModel> shipped = named(reference);
    return shipped.isPresent() ? shipped.get().install(store) : store.load(reference);
  }

  /**
   * This model in a store; put there first if it is not there or is damaged. Its files are checked
   * against {@code SHA256SUMS} either way. If its jar is not on the class path, one that is in the
   * store is taken as it is.
   *
   * @throws FileNotFoundException if it is neither on the class path nor in the store
   */
  public StoredModel install(ModelStore store) throws IOException {
    if (!isPresent()) {
      return loadInstalled(store);
    }
    Map<String, String> sums = sums();
    try {
      StoredModel there = store.load(modelName);
      if (isThisOne(there, sums)) {
        return there;
      }
    } catch (NoSuchFileException e) {
      LOG.debug("not in the store yet: {}", e.getMessage());
    } catch (IOException e) {
      LOG.warn("{} in the store cannot be used and is replaced: {}", modelName, e.getMessage());
    }
    StoredModel installed = store.publish(modelName, card(), folder -> extract(sums, folder));
    LOG.info("Model {} is in the store: {}", installed.reference(), installed.directory());
    return installed;
  }

  private StoredModel loadInstalled(ModelStore store) throws IOException {
    try {
      return store.load(modelName);
    } catch (NoSuchFileException e) {
      FileNotFoundException missing =
          new FileNotFoundException(
              ("%s is not part of this build: put %s-VERSION.jar into lib/ beside the application"
                      + " (io.hyperstream:%s, the same version)%s, or name another model")
                  .formatted(
                      modelName,
                      artifact,
                      artifact,
                      this == MINILM ? ", or build with -Pminilm" : ""));
      missing.initCause(e);
      throw missing;
    }
  }

  private static boolean isThisOne(StoredModel model, Map<String, String> sums) {
    Map<String, String> there = new HashMap<>();
    for (Manifest.FileEntry file : model.manifest().files()) {
      there.put(file.path(), file.sha256());
    }
    return there.entrySet().containsAll(sums.entrySet());
  }

  private Map<String, String> sums() throws IOException {
    try (InputStream in = open(SUMS)) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      return Checksums.parseSums(lines, SUMS + " of the shipped " + modelName);
    }
  }

  private void extract(Map<String, String> sums, Path folder) throws IOException {
    for (Map.Entry<String, String> file : sums.entrySet()) {
      Path target = folder.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      try (InputStream in = open(file.getKey());
          OutputStream out = Files.newOutputStream(target)) {
        String actual = Checksums.copy(in, out);
        if (!actual.equals(file.getValue())) {
          throw new IOException(
              "%s of the shipped %s has SHA-256 %s, %s says %s: this build is damaged"
                  .formatted(file.getKey(), modelName, actual, SUMS, file.getValue()));
        }
      }
    }
    try (InputStream in = open(README)) {
      Files.copy(in, folder.resolve(README));
    }
  }

  private ModelCard card() throws IOException {
    return switch (this) {
      case STARTER_T5_MINI ->
          new ModelCard(
              maxSourceTokens,
              STARTER_TARGET_TOKENS,
              metrics(),
              "weights Apache-2.0; the licences of the training data are in README.md",
              "shipped with Hyperstream",
              "T5-mini with a HyperFormer++ hypernetwork");
      case BGE_SMALL ->
          new ModelCard(
              maxSourceTokens,
              NO_TARGET_TOKENS,
              metrics(),
              "weights and vocabulary MIT, hypernetwork Apache-2.0; the licences of the training"
                  + " data are in README.md",
              "BAAI/bge-small-en-v1.5 and a hypernetwork, shipped with Hyperstream",
              "BERT of 12 layers, English, HyperFormer++ adapters in the upper 6; a text's vector"
                  + " is the first position's");
      case MINILM ->
          new ModelCard(
              maxSourceTokens,
              NO_TARGET_TOKENS,
              Map.of(),
              "weights and vocabulary Apache-2.0",
              "sentence-transformers/all-MiniLM-L6-v2, shipped with Hyperstream",
              "BERT of 6 layers, English; a text's vector is the mean");
    };
  }

  /** The mean over the tasks that the hypernetwork was trained on. */
  private Map<String, Double> metrics() throws IOException {
    List<SourceTask> tasks;
    try (InputStream in = open(Manifest.TASKS)) {
      tasks = SourceTask.readAll(in, Manifest.TASKS + " of the shipped " + modelName);
    }
    double mean =
        tasks.stream()
            .flatMapToDouble(task -> task.testAccuracy().stream())
            .average()
            .orElseThrow(
                () -> new IOException("the tasks of " + modelName + " have no accuracies"));
    return Map.of("meanTestAccuracy", Math.round(mean * 1e4) / 1e4);
  }

  private String resource(String path) {
    return modelName + "/" + path;
  }

  /** One of its files; the caller closes it. */
  InputStream open(String path) throws IOException {
    InputStream in = ShippedModel.class.getResourceAsStream(resource(path));
    if (in == null) {
      throw new FileNotFoundException(
          "%s of the shipped %s is not on the class path: this build is incomplete"
              .formatted(path, modelName));
    }
    return in;
  }
}
