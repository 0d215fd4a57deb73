package io.hyperstream.app.inference;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;

/** The topology of inference with everything behind it, on a test driver. For one thread. */
final class InferenceFixture implements AutoCloseable {
  final Topics topics =
      new Topics(Topics.Settings.defaults().withPrefix("t." + UUID.randomUUID() + "."));
  final RecordCodec codec;
  final InferenceMetrics metrics = new InferenceMetrics(new SimpleMeterRegistry());
  final InferenceEngine engine;
  final Prefetcher prefetcher;
  final ModelStore store;
  final Topology topology;
  final AdapterAdoption adoption;

  /** Records of adapters by their offsets, to be read again. */
  final List<AdapterVersion> adapterRecords = new CopyOnWriteArrayList<>();

  private final RequestPipeline pipeline;
  private final TopologyTestDriver driver;

  /**
   * Starts it.
   *
   * @param rowsPerPartition that are in the engine in any case
   * @param headerBytes that travel, at most
   */
  InferenceFixture(
      TestPredictor predictor,
      Path folder,
      BatchPolicy policy,
      int rowsPerPartition,
      int headerBytes,
      InferenceSpans spans)
      throws Exception {
    SchemaRegistryClient registry =
        SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    TaskCatalog catalog = new TaskCatalog(predictor);
    AdapterFiles files = new AdapterFiles(folder.resolve("weights"), Duration.ZERO);
    store = new FileModelStore(folder.resolve("store"));
    adoption =
        new AdapterAdoption(
            catalog,
            new VersionCodec(files, store),
            files,
            place -> adapterRecords.get(Math.toIntExact(place.offset())),
            metrics);
    engine =
        new InferenceEngine(
            predictor,
            policy,
            Duration.ofMinutes(1),
            new WarmUp(predictor)::canary,
            catalog::freshest,
            adoption::missing,
            metrics,
            spans);
    engine.start();
    pipeline =
        new RequestPipeline(
            codec,
            new RequestLimits(100_000, 5_000, 3, 1_000),
            catalog,
            (taskId, timestamp) -> CompletableFuture.completedFuture(null),
            predictor,
            engine,
            metrics,
            1);
    prefetcher =
        new Prefetcher(
            pipeline::submit,
            pipeline::prepareNow,
            new Prefetcher.Limits(8, 10_000, rowsPerPartition, Duration.ofSeconds(20)),
            metrics,
            spans);
    HeaderPolicy headers = new HeaderPolicy(headerBytes);
    topology =
        InferenceTopology.build(
            new InferenceTopology.Parts(
                topics,
                catalog,
                new RetryingDecoder(codec, catalog::stalled, () -> {}),
                adoption,
                prefetcher,
                new PredictionRecords(
                    new OutputRecords(codec, topics, headers, Duration.ofSeconds(5), () -> {}),
                    topics,
                    predictor.modelId(),
                    headers),
                metrics));
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "test");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "unused:9092");
    properties.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    driver = new TopologyTestDriver(topology, properties);
  }

  TestInputTopic<byte[], byte[]> input(String topic) {
    return driver.createInputTopic(topic, new ByteArraySerializer(), new ByteArraySerializer());
  }

  TestOutputTopic<byte[], byte[]> output(String topic) {
    return driver.createOutputTopic(
        topic, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  @Override
  public void close() {
    driver.close();
    prefetcher.consumerClosed();
    pipeline.close();
    engine.close();
    adoption.close();
  }
}
