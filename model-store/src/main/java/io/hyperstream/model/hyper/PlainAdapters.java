package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterTensors.Part;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Adapters that lie in the checkpoint under each task's name; the norms around them are shared by
 * the tasks (Adapter-dagger in the paper).
 */
final class PlainAdapters {
  private PlainAdapters() {}

  /** One task's adapters, parts [L, 2, ..], in the caller's scope. */
  static AdapterTensors read(
      TensorSource source,
      NDManager manager,
      Stack stack,
      String task,
      BackboneShape backbone,
      AdapterConfig config) {
    Map<Part, NDArray> parts = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      if (part.isIn(config)) {
        parts.put(part, read(source, manager, stack, task, part, backbone, config));
      }
    }
    return new AdapterTensors(parts);
  }

  /** One part of all layers and positions, [L, 2, ..]; norms are the same for every task. */
  static NDArray read(
      TensorSource source,
      NDManager manager,
      Stack stack,
      String task,
      Part part,
      BackboneShape backbone,
      AdapterConfig config) {
    long[] shape = part.shape(config.bottleneck(backbone.width()), backbone.width());
    List<NDArray> layers = new ArrayList<>();
    for (int layer = 0; layer < backbone.layers(stack); layer++) {
      List<NDArray> positions = new ArrayList<>();
      int of = stack == Stack.ENCODER ? config.firstLayer() + layer : layer;
      for (Position position : Position.values()) {
        String name = controller(stack, of, position) + name(part, task);
        if (!source.has(name)) {
          throw new CheckpointException(
              source.origin() + " has no adapters for task '" + task + "': no '" + name + "'");
        }
        positions.add(source.read(manager, name, shape));
      }
      layers.add(Ops.stack(positions, 0));
    }
    return Ops.stack(layers, 0);
  }

  /** Where a position's adapters lie: the encoder's feed-forward is layer 1, the decoder's 2. */
  private static String controller(Stack stack, int layer, Position position) {
    int sublayer = position == Position.SELF_ATTENTION ? 0 : stack == Stack.ENCODER ? 1 : 2;
    return stack.prefix() + ".block." + layer + ".layer." + sublayer + ".adapter_controller.";
  }

  private static String name(Part part, String task) {
    return switch (part) {
      case DOWN_WEIGHT -> "adapters." + task + ".down_sampler.weight";
      case DOWN_BIAS -> "adapters." + task + ".down_sampler.bias";
      case UP_WEIGHT -> "adapters." + task + ".up_sampler.weight";
      case UP_BIAS -> "adapters." + task + ".up_sampler.bias";
      case PRE_NORM_WEIGHT -> "pre_layer_norm.weight";
      case PRE_NORM_BIAS -> "pre_layer_norm.bias";
      case POST_NORM_WEIGHT -> "post_layer_norm.weight";
      case POST_NORM_BIAS -> "post_layer_norm.bias";
    };
  }
}
