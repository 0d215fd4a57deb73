package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;

/** The feed-forward sub-layer: {@code wo act(wi x)}, or gated {@code wo (act(wi_0 x) * wi_1 x)}. */
final class FeedForward {
  private final Activation activation;
  private final NDArray in; // [ff, d]
  private final NDArray gate; // [ff, d], null unless gated
  private final NDArray out; // [d, ff]

  FeedForward(TensorSource source, NDManager manager, String prefix, T5Config config) {
    activation = config.activation();
    String first = prefix + (config.gated() ? ".wi_0.weight" : ".wi.weight");
    in = source.read(manager, first, config.dFf(), config.dModel());
    gate =
        config.gated()
            ? source.read(manager, prefix + ".wi_1.weight", config.dFf(), config.dModel())
            : null;
    out = source.read(manager, prefix + ".wo.weight", config.dModel(), config.dFf());
  }

  /** [B, N, d] -> [B, N, d]. */
  NDArray apply(NDArray x, AdapterHook hook) {
    NDArray h = activation.apply(Ops.linear(x, in)); // [B, N, ff]
    if (gate != null) {
      h = Ops.mulInPlace(h, Ops.linear(x, gate));
    }
    return Ops.linear(hook.dropout(h), out);
  }
}
