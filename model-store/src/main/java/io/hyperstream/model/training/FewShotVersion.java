package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.prototype.LabelHead;
import java.util.Optional;

/**
 * A candidate as it is published and served, as data.
 *
 * @param embedding [t] the task embedding of its adapters; for WEIGHTS the one they were tuned
 *     from; empty: it has no adapters
 * @param head label vectors beside the decoder; always there for PROTOTYPES, never for EMBEDDING
 * @param weights adapter weights as half-precision safetensors; for WEIGHTS only
 */
public record FewShotVersion(
    Form form, float[] embedding, Optional<LabelHead> head, Optional<byte[]> weights) {

  /** What a version is made of. */
  public enum Form {
    /** A task embedding alone. */
    EMBEDDING,
    /** A task embedding and label vectors. */
    PROTOTYPES,
    /** Adapter weights, and label vectors if there are any. */
    WEIGHTS
  }

  public FewShotVersion {
    if ((form == Form.PROTOTYPES && head.isEmpty())
        || (form == Form.EMBEDDING && head.isPresent())
        || (form == Form.WEIGHTS) != weights.isPresent()) {
      throw new IllegalArgumentException(
          "a version of form %s cannot be made %s label vectors and %s weights"
              .formatted(
                  form,
                  head.isPresent() ? "with" : "without",
                  weights.isPresent() ? "with" : "without"));
    }
  }

  /** Whether the backbone answers without any adapters, though the model may have some. */
  public boolean withoutAdapters() {
    return embedding.length == 0 && form != Form.WEIGHTS;
  }

  /** What its adapters are made of, unless these are {@link #weights}. */
  public AdapterForm adapters() {
    return AdapterForm.of(embedding);
  }
}
