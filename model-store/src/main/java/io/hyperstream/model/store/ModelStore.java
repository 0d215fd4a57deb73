package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.ModelCard;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * A versioned store of models. A version appears whole or not at all, and never changes. All
 * methods may be called from any thread, and any number of processes may share a store.
 */
public interface ModelStore {

  /** Puts a model's files into a folder. */
  @FunctionalInterface
  interface Content {
    /**
     * Writes {@code backbone/}, optionally {@code hypernetwork/}, {@code tasks.json} and {@code
     * README.md}. On an exception nothing is published.
     *
     * @param directory empty, on the store's own disk
     */
    void writeTo(Path directory) throws IOException;
  }

  /** Every version of every model, by name and version; their files are not checked. */
  List<StoredModel> list() throws IOException;

  /**
   * Finds a model and checks the SHA-256 of all its files.
   *
   * @param reference {@code name} (its latest version), {@code name@version} or a modelId
   * @throws NoSuchFileException if there is none, naming those there are
   * @throws IOException if a file is missing or damaged, naming it
   */
  StoredModel load(String reference) throws IOException;

  /**
   * Publishes a new version. If the latest version of that name has the same files and card, that
   * one is returned instead.
   *
   * @param name {@code [A-Za-z0-9_-][A-Za-z0-9._-]{0,99}}
   */
  StoredModel publish(String name, ModelCard card, Content content) throws IOException;

  /**
   * A folder for work in progress on the store's disk that survives this process, so that it can be
   * resumed; it is removed when nobody has touched it for some days.
   *
   * @param key names the work; equal keys get the same folder
   */
  Path workFolder(String key) throws IOException;
}
