package io.hyperstream.model.family;

import ai.djl.Device;
import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.readout.ReadoutOptions;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An architecture: which files it reads, and how they become a model. Stateless, any thread. */
public interface ModelFamily {
  /** As {@code model list} shows it: {@code t5}, {@code bert}. */
  String name();

  /** Whether a {@code config.json} describes a model of this family. */
  boolean reads(JsonNode config);

  /** Files it cannot do without, beside {@code config.json} and the weights. */
  List<String> files();

  /** Files it reads where they are there. */
  default List<String> optionalFiles() {
    return List.of();
  }

  /** What its models are trained for on many tasks. */
  Objective objective();

  /**
   * The shape a configuration describes.
   *
   * @throws io.hyperstream.model.checkpoint.CheckpointException if it asks for what is not
   *     supported
   */
  BackboneShape shape(HuggingFaceLayout files) throws IOException;

  /** What else {@code model inspect} shows of a configuration, in its order. */
  Map<String, Object> details(HuggingFaceLayout files) throws IOException;

  /**
   * Files, by name, that make this family put a prefix before every text; they take the place of
   * those of the same name.
   *
   * @throws IllegalArgumentException if it puts none, or not this one
   */
  default Map<String, byte[]> withPrefix(HuggingFaceLayout files, String prefix)
      throws IOException {
    throw new IllegalArgumentException(
        "a %s has no prefix: write it into the task's template".formatted(name()));
  }

  /**
   * Loads a model.
   *
   * @param weights the backbone's, perhaps with others laid over them
   * @param device where to; empty for the default device
   * @throws io.hyperstream.model.checkpoint.CheckpointException if a file is not what it should be
   */
  FamilyModel open(
      HuggingFaceLayout files,
      TensorSource weights,
      Optional<Device> device,
      ReadoutOptions options)
      throws IOException;
}
