package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.LinkedHashSet;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A backbone with what was trained together with the hypernetwork laid over it: the paper also
 * trains T5's own norms, and such a hypernetwork's file carries them.
 */
public record OverlaidTensors(TensorSource trained, TensorSource backbone) implements TensorSource {
  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(backbone.names());
    names.addAll(trained.names());
    return names;
  }

  @Override
  public boolean has(String name) {
    return trained.has(name) || backbone.has(name);
  }

  @Override
  public TensorInfo info(String name) {
    return of(name).info(name);
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    return of(name).read(manager, name);
  }

  @Override
  public OptionalLong firstNotFinite(String name) {
    return of(name).firstNotFinite(name);
  }

  private TensorSource of(String name) {
    return trained.has(name) ? trained : backbone;
  }

  @Override
  public String origin(String name) {
    return of(name).origin(name);
  }

  @Override
  public String origin() {
    return backbone.origin() + " under " + trained.origin();
  }
}
