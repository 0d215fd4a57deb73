package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.ModelCard;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * A versioned store of models. A version appears whole or not at all, and never changes. All
 * methods may be called from any thread, and any number of processes may share a store.
 */
public interface ModelStore extends AutoCloseable {

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

  /**
   * Every version of every model, by name and version. Their files are not checked, and those of a
   * remote store are in their directory only once they have been loaded.
   */
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
   * Adds the weights of an adapter version, under their own hash: the same bytes are stored once
   * per owner. They are on the disk, whole, before this returns.
   *
   * @param owner who may collect them again, {@code [A-Za-z0-9_-][A-Za-z0-9._-]{0,249}}: stores are
   *     shared
   * @return a reference for {@link #weights}, the same in every process that shares the store
   */
  String addWeights(String owner, byte[] safetensors) throws IOException;

  /**
   * Where weights lie on this machine; their hash is not checked. They stay there until they were
   * given back as often as they were got, or this process ends.
   *
   * @param reference of {@link #addWeights}
   * @throws IllegalArgumentException if it is not of that form
   * @throws NoSuchFileException if they are not there
   */
  Path weights(String reference) throws IOException;

  /**
   * Gives back what {@link #weights} gave; a local copy may then be evicted for others. Files of
   * other origin are left alone.
   */
  default void releaseWeights(Path file) {}

  /**
   * Removes weights of an owner that are not needed.
   *
   * @param needed references to keep
   * @param before only what was last added before this goes: younger ones may be referred to soon
   * @return how many
   */
  int removeWeights(String owner, Set<String> needed, Instant before) throws IOException;

  /**
   * A folder for work in progress on the store's disk that survives this process, so that it can be
   * resumed; it is removed when nobody has touched it for some days.
   *
   * @param key names the work; equal keys get the same folder
   */
  Path workFolder(String key) throws IOException;

  /** Gives back connections and the like; models that were loaded stay where they are. */
  @Override
  default void close() {}
}
