package io.hyperstream.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The families there are; the first that reads a configuration has it.
 *
 * @param all in the order they are asked
 */
public record ModelFamilies(List<ModelFamily> all) {
  public ModelFamilies {
    all = List.copyOf(all);
  }

  /**
   * The family of a {@code config.json}.
   *
   * @throws CheckpointException if it is none, or of no family
   */
  public ModelFamily of(Path config) throws IOException {
    JsonNode json = ConfigFields.read(config, HuggingFaceLayout.MAX_CONFIG_BYTES);
    if (!json.isObject() || !(json.has("model_type") || json.has("architectures"))) {
      throw new CheckpointException(config + ": it names neither model_type nor architectures");
    }
    return all.stream()
        .filter(family -> family.reads(json))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: model_type '%s' is not supported; there are %s"
                        .formatted(
                            config,
                            json.path("model_type").asText(),
                            all.stream()
                                .map(ModelFamily::name)
                                .collect(Collectors.joining(" and ")))));
  }

  /**
   * A folder with all files its family needs, and a configuration that it reads.
   *
   * @throws CheckpointException if the configuration is of no family, or not supported
   * @throws java.nio.file.NoSuchFileException naming every file that is missing
   */
  public HuggingFaceLayout layout(Path directory) throws IOException {
    HuggingFaceLayout bare = HuggingFaceLayout.open(directory);
    ModelFamily family = of(bare.config());
    var unused = family.shape(bare); // a model called by another's name lacks files as well
    return HuggingFaceLayout.open(directory, family.files(), family.optionalFiles());
  }
}
