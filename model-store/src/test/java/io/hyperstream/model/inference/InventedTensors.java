package io.hyperstream.model.inference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.checkpoint.TensorInfo;
import io.hyperstream.model.checkpoint.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Has every tensor it is asked for, and remembers what that was. */
final class InventedTensors implements TensorSource {
  private final Random random;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  record Tensor(float[] values, long[] shape) {}

  InventedTensors(long seed) {
    random = new Random(seed);
  }

  @Override
  public NDArray read(NDManager manager, String name, long... shape) {
    return manager.create(invent(name, shape), new Shape(shape));
  }

  float[] invent(String name, long... shape) {
    return tensors
        .computeIfAbsent(
            name,
            n -> {
              float[] values = new float[(int) new Shape(shape).size()];
              float center = n.contains("orm") ? 1 : 0; // of norms
              for (int i = 0; i < values.length; i++) {
                values[i] = center + 0.3f * (float) random.nextGaussian();
              }
              return new Tensor(values, shape);
            })
        .values();
  }

  /** By name, in the order they were asked for. */
  Map<String, Tensor> tensors() {
    return tensors;
  }

  @Override
  public boolean has(String name) {
    return true;
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    throw new UnsupportedOperationException(name);
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    throw new UnsupportedOperationException(name);
  }

  @Override
  public String origin() {
    return "invention";
  }

  void write(Path file) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach((name, tensor) -> writer.add(name, tensor.values(), tensor.shape()));
    writer.write(file);
  }
}
