package io.hyperstream.model.checkpoint;

import java.util.OptionalLong;
import java.util.Set;

/** Tensors of another source; a subclass says how they are read. As thread-safe as that source. */
public abstract class ForwardingTensors implements TensorSource {
  protected final TensorSource source;

  protected ForwardingTensors(TensorSource source) {
    this.source = source;
  }

  @Override
  public Set<String> names() {
    return source.names();
  }

  @Override
  public boolean has(String name) {
    return source.has(name);
  }

  @Override
  public boolean frozen(String name) {
    return source.frozen(name);
  }

  @Override
  public TensorInfo info(String name) {
    return source.info(name);
  }

  @Override
  public OptionalLong firstNotFinite(String name) {
    return source.firstNotFinite(name);
  }

  @Override
  public String origin() {
    return source.origin();
  }

  @Override
  public String origin(String name) {
    return source.origin(name);
  }
}
