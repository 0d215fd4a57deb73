package io.hyperstream.model.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** The starter model's files, as resources on the class path. */
public final class StarterFiles {
  private StarterFiles() {}

  /** The folder the starter model's resources lie in. */
  public static Path directory() {
    try {
      return Path.of(
              StarterFiles.class
                  .getResource("/io/hyperstream/model/store/starter-t5-mini/SHA256SUMS")
                  .toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** {@code expected.json}: what the training code computed for some sentences. */
  public static JsonNode expected() throws IOException {
    return new ObjectMapper().readTree(directory().resolve("expected.json").toFile());
  }

  /** Reads a JSON list of integers. */
  public static int[] ints(JsonNode list) {
    int[] out = new int[list.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = list.get(i).intValue();
    }
    return out;
  }
}
