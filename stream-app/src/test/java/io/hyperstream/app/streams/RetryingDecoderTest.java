package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Reading records on stream threads")
class RetryingDecoderTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final Set<Thread> cutOff = ConcurrentHashMap.newKeySet();
  private volatile Optional<String> stalled = Optional.empty();

  /** Answers all threads but those that are cut off from it. */
  private SchemaRegistryClient registry(SchemaRegistryClient real) {
    return (SchemaRegistryClient)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SchemaRegistryClient.class},
            (proxy, method, arguments) -> {
              if (cutOff.contains(Thread.currentThread())) {
                throw new IOException("cut off");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  @DisplayName("is stalled as long as one thread waits, whatever the others can read")
  void oneOfTwo() throws Exception {
    SchemaRegistryClient real = SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    new SchemaRegistrar(real, topics).register(Duration.ofSeconds(5));
    RecordCodec codec = new RecordCodec(registry(real));
    String topic = topics.labels().name();
    byte[] label =
        codec.serialize(
            topic, LabelEvent.newBuilder().setTaskId("t").setCreatedAt(Instant.EPOCH).build());
    RetryingDecoder reader = new RetryingDecoder(codec, why -> stalled = why, () -> {});
    ExecutorService other = Executors.newSingleThreadExecutor();
    try {
      Future<LabelEvent> waits =
          other.submit(
              () -> {
                cutOff.add(Thread.currentThread());
                return reader.read(topic, label, LabelEvent.class);
              });
      await().until(() -> stalled.isPresent());
      Thread cut = cutOff.iterator().next();
      assertThat(reader.read(topic, label, LabelEvent.class).getTaskId()).isEqualTo("t");
      assertThat(stalled.orElseThrow()).contains("cut off");
      cutOff.remove(cut);
      assertThat(waits.get(20, TimeUnit.SECONDS).getTaskId()).isEqualTo("t");
      assertThat(stalled).isEmpty();
    } finally {
      reader.close();
      other.shutdownNow();
    }
  }
}
