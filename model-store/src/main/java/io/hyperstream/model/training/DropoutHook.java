package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.tensor.Autograd;

/** Adapters with dropout wherever T5 has it. */
record DropoutHook(AdapterHook adapters, double rate) implements AdapterHook {
  @Override
  public NDArray apply(NDArray y, Stack stack, int layer, Position position) {
    return adapters.apply(y, stack, layer, position);
  }

  @Override
  public AdapterHook slice(int from, int to) {
    return new DropoutHook(adapters.slice(from, to), rate);
  }

  @Override
  public NDArray dropout(NDArray x) {
    return Autograd.dropout(x, rate);
  }
}
