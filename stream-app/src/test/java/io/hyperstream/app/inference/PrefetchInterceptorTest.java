package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The prefetch interceptor")
class PrefetchInterceptorTest {
  private static final TopicPartition P0 = new TopicPartition("requests", 0);

  private final List<PendingRequest> submitted = new ArrayList<>();
  private final PrefetchInterceptor interceptor = new PrefetchInterceptor();

  private void configure(java.util.function.Consumer<PendingRequest> submit) {
    Prefetcher prefetcher =
        new Prefetcher(
            submit,
            pending -> {},
            new Prefetcher.Limits(10, 1_000, 1, Duration.ofSeconds(1)),
            new InferenceMetrics(new io.micrometer.core.instrument.simple.SimpleMeterRegistry()),
            InferenceSpans.off());
    interceptor.configure(Map.of(PrefetchInterceptor.PREFETCHER_CONFIG, prefetcher));
  }

  private static ConsumerRecords<byte[], byte[]> poll() {
    return new ConsumerRecords<>(
        Map.of(
            P0,
            List.of(
                new ConsumerRecord<>("requests", 0, 5, null, new byte[] {1}),
                new ConsumerRecord<>("requests", 0, 6, null, null))),
        Map.of());
  }

  @Test
  @DisplayName("submits what is polled, records without a value too, and changes nothing")
  void submits() {
    configure(submitted::add);
    ConsumerRecords<byte[], byte[]> poll = poll();
    assertThat(interceptor.onConsume(poll)).isSameAs(poll);
    assertThat(submitted).extracting(p -> p.raw().offset()).containsExactly(5L, 6L);
    interceptor.close();
    assertThat(submitted).noneMatch(PendingRequest::isWanted);
  }

  @Test
  @DisplayName("never throws, whatever goes wrong behind it")
  void neverThrows() {
    configure(
        pending -> {
          throw new IllegalStateException("a defect");
        });
    ConsumerRecords<byte[], byte[]> poll = poll();
    assertThat(interceptor.onConsume(poll)).isSameAs(poll);
  }

  @Test
  @DisplayName("lets records through when it was not given a prefetcher")
  void unconfigured() {
    interceptor.configure(Map.of());
    ConsumerRecords<byte[], byte[]> poll = poll();
    assertThat(interceptor.onConsume(poll)).isSameAs(poll);
    interceptor.close();
  }

  @Test
  @DisplayName("is made by a consumer from its class name and handed the prefetcher")
  void byConsumer() {
    Prefetcher prefetcher =
        new Prefetcher(
            submitted::add,
            pending -> {},
            new Prefetcher.Limits(10, 1_000, 1, Duration.ofSeconds(1)),
            new InferenceMetrics(new io.micrometer.core.instrument.simple.SimpleMeterRegistry()),
            InferenceSpans.off());
    Map<String, Object> configs =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            "localhost:1",
            ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG,
            PrefetchInterceptor.class.getName(),
            PrefetchInterceptor.PREFETCHER_CONFIG,
            prefetcher);
    prefetcher.polled(poll());
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      assertThat(consumer.assignment()).isEmpty();
    }
    // Closing the consumer closed the interceptor, which cleared this thread's window.
    assertThat(submitted).hasSize(2).noneMatch(PendingRequest::isWanted);
  }
}
