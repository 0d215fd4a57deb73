package io.hyperstream.app.inference;

import io.hyperstream.app.streams.EventTimeExtractor;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.schemas.Topics;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The inference topology. It carries bytes; {@link RequestPipeline} and its kin know records. */
final class InferenceTopology {
  private static final Deserializer<byte[]> READ = new ByteArrayDeserializer();
  private static final Serializer<byte[]> WRITE = new ByteArraySerializer();

  private InferenceTopology() {}

  /** What the processors share. */
  record Parts(
      Topics topics,
      TaskCatalog catalog,
      RetryingDecoder globalRecords,
      AdapterAdoption adoption,
      Prefetcher prefetcher,
      PredictionRecords output,
      InferenceMetrics metrics) {

    Processor<byte[], byte[], Void, Void> definitions() {
      return new DefinitionProcessor(catalog, globalRecords, metrics);
    }

    Processor<byte[], byte[], Void, Void> adapters() {
      return new AdapterProcessor(catalog.modelId(), globalRecords, adoption);
    }

    Processor<byte[], byte[], byte[], byte[]> requests() {
      return new RequestProcessor(prefetcher, output, metrics, topics.requests().name());
    }
  }

  /**
   * Requests are joined with their outcomes and go to the predictions or the dead letters; on the
   * side, definitions and adapter versions feed the catalog.
   */
  static Topology build(Parts parts) {
    Topics topics = parts.topics();
    return new Topology()
        .addSource(
            AutoOffsetReset.earliest(),
            "requests",
            new EventTimeExtractor(),
            READ,
            READ,
            topics.requests().name())
        .addProcessor("join-outcomes", parts::requests, "requests")
        .addSink(
            RequestProcessor.PREDICTIONS,
            topics.predictions().name(),
            WRITE,
            WRITE,
            "join-outcomes")
        .addSink(
            RequestProcessor.DEAD_LETTERS,
            topics.deadLetters().name(),
            WRITE,
            WRITE,
            "join-outcomes")
        .addGlobalStore(
            inMemory("task-definitions"),
            "definitions",
            READ,
            READ,
            topics.definitions().name(),
            "define-tasks",
            parts::definitions)
        .addGlobalStore(
            inMemory("task-adapters"),
            "adapters",
            READ,
            READ,
            topics.adapters().name(),
            "adopt-adapters",
            parts::adapters);
  }

  /** In memory, so that every start reads the topic from its first record through the processor. */
  private static StoreBuilder<KeyValueStore<byte[], byte[]>> inMemory(String name) {
    return Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore(name), Serdes.ByteArray(), Serdes.ByteArray())
        .withLoggingDisabled();
  }
}
