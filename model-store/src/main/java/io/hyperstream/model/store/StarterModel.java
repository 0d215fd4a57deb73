package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The small model that ships with the code, so that the first command works offline. */
public final class StarterModel {
  /** Its name in a store. */
  public static final String NAME = "starter-t5-mini";

  /** It was trained on inputs cut at this length, end token included. */
  public static final int MAX_SOURCE_TOKENS = 96;

  private static final int MAX_TARGET_TOKENS = 32;
  private static final Logger LOG = LoggerFactory.getLogger(StarterModel.class);
  private static final String SUMS = "SHA256SUMS";
  private static final String README = "README.md";

  private StarterModel() {}

  /**
   * The starter model in a store; put there first if it is not there or is damaged. Its files are
   * checked against {@code SHA256SUMS} either way.
   */
  public static StoredModel install(ModelStore store) throws IOException {
    Map<String, String> sums = sums();
    try {
      StoredModel there = store.load(NAME);
      if (isThisOne(there, sums)) {
        return there;
      }
    } catch (NoSuchFileException e) {
      LOG.debug("not in the store yet: {}", e.getMessage());
    } catch (IOException e) {
      LOG.warn("The starter model in the store cannot be used and is replaced: {}", e.getMessage());
    }
    StoredModel installed = store.publish(NAME, card(), folder -> extract(sums, folder));
    LOG.info("Starter model {} is in the store: {}", installed.modelId(), installed.directory());
    return installed;
  }

  /** Its tokenizer alone, without a store; the caller closes it. */
  public static SentencePieceTokenizer openTokenizer() throws IOException {
    Path file = Files.createTempFile("hyperstream-", ".spiece");
    try (InputStream in = open("backbone/spiece.model")) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      return SentencePieceTokenizer.open(file);
    } finally {
      Files.delete(file);
    }
  }

  private static boolean isThisOne(StoredModel model, Map<String, String> sums) {
    Map<String, String> there = new HashMap<>();
    for (Manifest.FileEntry file : model.manifest().files()) {
      there.put(file.path(), file.sha256());
    }
    return there.entrySet().containsAll(sums.entrySet());
  }

  private static Map<String, String> sums() throws IOException {
    try (InputStream in = open(SUMS)) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      return Checksums.parseSums(lines, "the starter model's " + SUMS);
    }
  }

  private static void extract(Map<String, String> sums, Path folder) throws IOException {
    for (Map.Entry<String, String> file : sums.entrySet()) {
      Path target = folder.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      try (InputStream in = open(file.getKey());
          OutputStream out = Files.newOutputStream(target)) {
        String actual = Checksums.copy(in, out);
        if (!actual.equals(file.getValue())) {
          throw new IOException(
              "the shipped %s has SHA-256 %s, %s says %s: this build is damaged"
                  .formatted(file.getKey(), actual, SUMS, file.getValue()));
        }
      }
    }
    try (InputStream in = open(README)) {
      Files.copy(in, folder.resolve(README));
    }
  }

  private static ModelCard card() throws IOException {
    List<SourceTask> tasks;
    try (InputStream in = open(Manifest.TASKS)) {
      tasks = SourceTask.readAll(in, "the starter model's " + Manifest.TASKS);
    }
    double mean =
        tasks.stream()
            .flatMapToDouble(task -> task.testAccuracy().stream())
            .average()
            .orElseThrow(() -> new IOException("the starter model's tasks have no accuracies"));
    return new ModelCard(
        MAX_SOURCE_TOKENS,
        MAX_TARGET_TOKENS,
        Map.of("meanTestAccuracy", Math.round(mean * 1e4) / 1e4),
        "weights Apache-2.0; the licences of the training data are in README.md",
        "shipped with Hyperstream",
        "T5-mini with a HyperFormer++ hypernetwork of " + tasks.size() + " tasks");
  }

  private static InputStream open(String path) throws IOException {
    InputStream in = StarterModel.class.getResourceAsStream(NAME + "/" + path);
    if (in == null) {
      throw new FileNotFoundException(
          "the starter model's " + path + " is not on the class path: this build is incomplete");
    }
    return in;
  }
}
