package io.hyperstream.model.store;

import io.hyperstream.model.task.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The smallest of the {@linkplain ShippedModel models that ship with the code}. */
public final class StarterModel {
  /** Its name in a store. */
  public static final String NAME = "starter-t5-mini";

  /** It was trained on inputs cut at this length, end token included. */
  public static final int MAX_SOURCE_TOKENS = 96;

  private StarterModel() {}

  /** The starter model in a store, as {@link ShippedModel#install} puts it there. */
  public static StoredModel install(ModelStore store) throws IOException {
    return ShippedModel.STARTER_T5_MINI.install(store);
  }

  /** Its tokenizer alone, without a store; the caller closes it. */
  public static Tokenizer openTokenizer() throws IOException {
    Path file = Files.createTempFile("hyperstream-", ".spiece");
    try (InputStream in = ShippedModel.STARTER_T5_MINI.open("backbone/spiece.model")) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      return Tokenizer.open(file);
    } finally {
      Files.delete(file);
    }
  }
}
