package io.hyperstream.model.store;

import java.nio.file.NoSuchFileException;
import java.util.List;

/** How models, owners and weights are named, the same in every kind of store. */
final class StoreNames {
  static final String MODEL = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}";
  static final String VERSION = "[1-9][0-9]{0,8}";
  private static final String OWNER = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,249}";
  private static final String WEIGHTS = "adapters/" + OWNER + "/[0-9a-f]{64}\\.safetensors";

  private StoreNames() {}

  static void requireModel(String name) {
    if (!name.matches(MODEL)) {
      throw new IllegalArgumentException(
          "a model's name matches " + MODEL + "; got '" + name + "'");
    }
  }

  static void requireOwner(String owner) {
    if (!owner.matches(OWNER)) {
      throw new IllegalArgumentException(
          "an owner of weights matches " + OWNER + "; got '" + owner + "'");
    }
  }

  static void requireWeights(String reference) {
    if (!reference.matches(WEIGHTS)) {
      throw new IllegalArgumentException(
          "weights in the store are named adapters/OWNER/SHA-256.safetensors; got '"
              + reference
              + "'");
    }
  }

  /** A reference to weights; their file's name begins with their hash. */
  static String weights(String owner, String sha256) {
    return "adapters/" + owner + "/" + sha256 + ".safetensors";
  }

  /** {@code name} or {@code name@version}, taken apart; without {@code @} the version is empty. */
  record Reference(String name, String version) {
    static Reference parse(String reference) {
      int at = reference.indexOf('@');
      return at < 0
          ? new Reference(reference, "")
          : new Reference(reference.substring(0, at), reference.substring(at + 1));
    }

    /** Whether it can only ever mean the same files. */
    boolean isExact() {
      return name.matches(MODEL) && version.matches(VERSION);
    }
  }

  static NoSuchFileException noSuchModel(String reference, Object where, List<StoredModel> all) {
    return new NoSuchFileException(
        reference,
        null,
        "no such model in "
            + where
            + "; there are "
            + all.stream().map(StoredModel::reference).toList());
  }

  static NoSuchFileException noSuchWeights(String where) {
    return new NoSuchFileException(where, null, "no such weights in the model store");
  }
}
