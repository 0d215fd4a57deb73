package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Linear;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.util.List;
import java.util.Optional;

/** The feed-forward sub-layer: {@code wo act(wi x)}, or gated {@code wo (act(wi_0 x) * wi_1 x)}. */
final class FeedForward {
  private final Activation activation;
  private final Linear in; // [ff, d]
  private final Linear gate; // [ff, d], null unless gated
  private final Linear out; // [d, ff]

  FeedForward(
      TensorSource source, NDManager manager, String prefix, T5Config config, Precision precision) {
    activation = config.activation();
    String first = prefix + (config.gated() ? ".wi_0.weight" : ".wi.weight");
    in = Linear.read(source, manager, precision, List.of(first), config.dFf(), config.dModel());
    List<String> second = List.of(prefix + ".wi_1.weight");
    gate =
        config.gated()
            ? Linear.read(source, manager, precision, second, config.dFf(), config.dModel())
            : null;
    List<String> last = List.of(prefix + ".wo.weight");
    out = Linear.read(source, manager, precision, last, config.dModel(), config.dFf());
  }

  /** [B, N, d] -> [B, N, d]. */
  NDArray apply(NDArray x, AdapterHook hook) {
    NDArray h = activation.apply(in.apply(x)); // [B, N, ff]
    if (gate != null) {
      h = Ops.mulInPlace(h, gate.apply(x));
    }
    return out.apply(hook.dropout(h));
  }

  Linear in() {
    return in;
  }

  Optional<Linear> gate() {
    return Optional.ofNullable(gate);
  }

  Linear out() {
    return out;
  }
}
