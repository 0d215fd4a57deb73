package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.hyper.AdapterTensors.Part;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * All adapters of one task, both stacks, ready to be applied. Owns its memory: {@link #close} frees
 * it, and no batch may be using it then. Immutable otherwise, any thread.
 */
public final class AdapterWeights implements AutoCloseable {
  /** No adapters: the bare backbone. */
  public static final AdapterWeights NONE =
      new AdapterWeights(null, Activation.LINEAR, 0, Map.of());

  private final NDManager manager;
  private final Activation activation;
  private final int firstLayer; // of the encoder that has adapters
  private final Map<Stack, AdapterTensors> tensors;
  private final Map<Stack, Adapter[][]> adapters = new EnumMap<>(Stack.class);
  private final long bytes;
  private Optional<FoldedAdapters> folded; // null until somebody asks

  private AdapterWeights(
      NDManager manager,
      Activation activation,
      int firstLayer,
      Map<Stack, AdapterTensors> tensors) {
    this.manager = manager;
    this.activation = activation;
    this.firstLayer = firstLayer;
    this.tensors = tensors;
    long count = 0;
    for (Map.Entry<Stack, AdapterTensors> entry : tensors.entrySet()) {
      AdapterTensors stack = entry.getValue();
      int layers = (int) stack.parts().get(Part.DOWN_BIAS).getShape().get(0);
      Adapter[][] views = new Adapter[layers][Position.COUNT];
      for (int layer = 0; layer < layers; layer++) {
        for (Position position : Position.values()) {
          views[layer][position.index()] = stack.at(layer, position);
        }
      }
      adapters.put(entry.getKey(), views);
      for (NDArray part : stack.parts().values()) {
        count += part.getShape().size();
      }
    }
    AdapterTensors encoder = tensors.get(Stack.ENCODER);
    if (encoder != null && !encoder.parts().containsKey(Part.PRE_NORM_WEIGHT)) {
      count += FoldedAdapters.size(encoder.parts().get(Part.DOWN_WEIGHT).getShape());
    }
    bytes = count * Float.BYTES;
  }

  /**
   * Takes over copies of one task's tensors. While the thread records, views are kept instead, so
   * that gradients flow; such weights live in the caller's scope.
   */
  static AdapterWeights of(
      NDManager parent, AdapterConfig config, Map<Stack, AdapterTensors> tensors) {
    if (Ops.recording()) {
      return new AdapterWeights(null, config.activation(), config.firstLayer(), tensors);
    }
    NDManager manager = parent.newSubManager();
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Map<Stack, AdapterTensors> owned = new EnumMap<>(Stack.class);
      tensors.forEach(
          (stack, parts) ->
              owned.put(stack, parts.map(array -> Ops.own(manager, array.duplicate()))));
      AdapterWeights weights =
          new AdapterWeights(manager, config.activation(), config.firstLayer(), owned);
      weights.views().forEach(adapter -> adapter.map(array -> Ops.own(manager, array)));
      return weights;
    }
  }

  private List<Adapter> views() {
    return adapters.values().stream().flatMap(Arrays::stream).flatMap(Arrays::stream).toList();
  }

  /** Native memory held, once they were used. */
  public long bytes() {
    return bytes;
  }

  /**
   * All arrays by the names they are stored under, such as {@code encoder.down.weight} [L, 2, r,
   * d]; not to be changed.
   */
  public Map<String, NDArray> arrays() {
    Map<String, NDArray> out = new LinkedHashMap<>();
    tensors.forEach(
        (stack, ofStack) ->
            ofStack.parts().forEach((part, array) -> out.put(storedName(stack, part), array)));
    return out;
  }

  /**
   * Makes sure that all numbers are.
   *
   * @throws CheckpointException naming the first array with one that is not
   */
  public void requireFinite() {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      arrays()
          .forEach(
              (name, array) -> {
                if (!Float.isFinite(array.sum().getFloat())) {
                  throw new CheckpointException(
                      "adapter weights '" + name + "' have numbers that are not finite");
                }
              });
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** The encoder's adapters for its kernels, made once; empty if they have a norm before. */
  synchronized Optional<FoldedAdapters> folded() {
    if (manager == null) { // of a training step: they change, and live in the caller's scope
      return FoldedAdapters.of(tensors.get(Stack.ENCODER));
    }
    if (folded == null) {
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        folded = FoldedAdapters.of(tensors.get(Stack.ENCODER));
        folded.ifPresent(f -> f.tensors().forEach(array -> Ops.own(manager, array)));
      }
    }
    return folded;
  }

  Activation activation() {
    return activation;
  }

  int firstLayer() {
    return firstLayer;
  }

  /** Whether a layer has adapters. */
  boolean has(Stack stack, int layer) {
    return this != NONE && (stack != Stack.ENCODER || layer >= firstLayer);
  }

  Adapter at(Stack stack, int layer, Position position) {
    int place = stack == Stack.ENCODER ? layer - firstLayer : layer;
    return adapters.get(stack)[place][position.index()];
  }

  /**
   * One part of one adapter.
   *
   * @param path STACK.LAYER.POSITION.PART, such as {@code encoder.0.self_attention.down.weight}
   * @throws IllegalArgumentException if there is no such part
   */
  public NDArray part(String path) {
    String[] steps = path.split("\\.", 4);
    for (Stack stack : tensors.keySet()) {
      if (steps.length == 4 && stack.prefix().equals(steps[0])) {
        Position position = Position.valueOf(steps[2].toUpperCase(Locale.ROOT));
        for (Map.Entry<Part, NDArray> part : tensors(stack).parts().entrySet()) {
          if (part.getKey().storedAs().equals(steps[3])) {
            return AdapterTensors.view(part.getValue(), Integer.parseInt(steps[1]), position);
          }
        }
      }
    }
    throw new IllegalArgumentException("these adapters have no part '" + path + "'");
  }

  /** All adapters of a stack. */
  AdapterTensors tensors(Stack stack) {
    return tensors.get(stack);
  }

  /**
   * Writes the weights as float16 safetensors, one tensor per stack and part: {@code
   * encoder.down.weight} [L, 2, r, d] and so on; position 0 is feed-forward, 1 self-attention.
   */
  public void save(Path file) throws IOException {
    writer().write(file);
  }

  /** What {@link #save} writes, as bytes. */
  public byte[] toBytes() {
    return writer().toBytes();
  }

  private SafetensorsWriter writer() {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "hyperstream-adapter");
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      tensors.forEach(
          (stack, ofStack) ->
              ofStack
                  .parts()
                  .forEach((part, array) -> writer.addHalf(storedName(stack, part), array)));
    }
    return writer;
  }

  /**
   * Reads what {@link #save} wrote, float16 or float32.
   *
   * @throws io.hyperstream.model.checkpoint.CheckpointException if it does not fit this model
   */
  static AdapterWeights load(
      NDManager parent, Path file, BackboneShape backbone, AdapterConfig config)
      throws IOException {
    Safetensors source = Safetensors.open(file);
    int r = config.bottleneck(backbone.width());
    try (NDScope scope = Ops.scope();
        NDManager reading = parent.newSubManager()) {
      scope.suppressNotUsedWarning();
      Map<Stack, AdapterTensors> tensors = new EnumMap<>(Stack.class);
      for (Stack stack : backbone.present()) {
        Map<Part, NDArray> parts = new EnumMap<>(Part.class);
        for (Part part : Part.values()) {
          if (!part.isIn(config)) {
            continue;
          }
          long[] one = part.shape(r, backbone.width());
          long[] shape = new long[one.length + 2];
          shape[0] = backbone.layers(stack);
          shape[1] = Position.COUNT;
          System.arraycopy(one, 0, shape, 2, one.length);
          parts.put(part, source.read(reading, storedName(stack, part), shape));
        }
        tensors.put(stack, new AdapterTensors(parts));
      }
      return of(parent, config, tensors);
    }
  }

  private static String storedName(Stack stack, Part part) {
    return stack.prefix() + "." + part.storedAs();
  }

  @Override
  public void close() {
    if (manager != null) {
      manager.close();
    }
  }
}
