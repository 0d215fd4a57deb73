package io.hyperstream.model.bert;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The default model's backbone as files; unpacked once per virtual machine. */
public final class BgeSmall {
  private static final String RESOURCES = "/io/hyperstream/model/store/bge-small/backbone/";
  private static final List<String> FILES =
      List.of(
          "config.json",
          "tokenizer.json",
          "modules.json",
          "1_Pooling/config.json",
          "sentence_bert_config.json",
          "model.safetensors");
  private static Path unpacked;

  private BgeSmall() {}

  /** Its folder in Hugging Face layout. */
  public static synchronized Path backbone() throws IOException {
    if (unpacked == null) {
      Path folder = Files.createTempDirectory("bge-small-");
      folder.toFile().deleteOnExit();
      for (String name : FILES) {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        try (InputStream in = BgeSmall.class.getResourceAsStream(RESOURCES + name)) {
          Files.copy(in, file);
        }
        file.toFile().deleteOnExit();
      }
      unpacked = folder;
    }
    return unpacked;
  }
}
