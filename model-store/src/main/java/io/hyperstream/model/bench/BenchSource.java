package io.hyperstream.model.bench;

import io.hyperstream.model.store.StoredModel;
import java.util.Optional;

/**
 * What is measured: a model from a store, or a published shape with random weights.
 *
 * @param shape present unless {@code stored} is
 */
public record BenchSource(Optional<ModelShape> shape, Optional<StoredModel> stored) {
  public BenchSource {
    if (shape.isPresent() == stored.isPresent()) {
      throw new IllegalArgumentException("measure either a shape or a model from a store");
    }
  }

  public static BenchSource of(ModelShape shape) {
    return new BenchSource(Optional.of(shape), Optional.empty());
  }

  public static BenchSource of(StoredModel model) {
    return new BenchSource(Optional.empty(), Optional.of(model));
  }
}
