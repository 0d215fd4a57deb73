package io.hyperstream.model.checkpoint;

/**
 * A tensor's entry in a safetensors header.
 *
 * @param dtype as the format spells it: F32, F16, BF16, I64 ..
 * @param shape not to be changed
 * @param begin first byte in the file
 * @param bytes how many
 */
public record TensorInfo(String name, String dtype, long[] shape, long begin, long bytes) {

  /** Number of values. */
  public long size() {
    long size = 1;
    for (long n : shape) {
      size *= n;
    }
    return size;
  }
}
