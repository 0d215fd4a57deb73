package io.hyperstream.app.adaptation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.streams.processor.StreamPartitioner;

/**
 * Keys of records that are about a request: each goes to the one partition of its request, or to
 * every partition, because what has to be forgotten may lie anywhere.
 */
final class RequestKeys implements StreamPartitioner<byte[], byte[]> {
  static final byte[] EVERYONE = {0};

  private static final char REQUEST = '\u0001';

  static byte[] of(String requestId) {
    return (REQUEST + requestId).getBytes(StandardCharsets.UTF_8);
  }

  /** The request's id; not for {@link #EVERYONE}. */
  static String requestId(byte[] key) {
    return new String(key, StandardCharsets.UTF_8).substring(1);
  }

  @Override
  public Optional<Set<Integer>> partitions(
      String topic, byte[] key, byte[] value, int numPartitions) {
    return Optional.of(
        key[0] == REQUEST
            ? Set.of(Math.floorMod(Arrays.hashCode(key), numPartitions))
            : IntStream.range(0, numPartitions).boxed().collect(Collectors.toSet()));
  }
}
