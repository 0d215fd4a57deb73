package io.hyperstream.app.inference;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.inference.InferenceRuntime.Settings;
import io.hyperstream.model.inference.AdapterBankStats;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.kafka.KafkaStreamsMetrics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of inference, wired: engine, prefetch, catalog, topology, Kafka Streams. Made and started
 * by one thread, closed by any.
 */
final class InferenceService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceService.class);
  private static final long LONGEST_PAUSE_MILLIS = 10_000;
  private static final long CALM_NANOS = TimeUnit.MINUTES.toNanos(2);

  private final StreamsSettings streamsSettings;
  private final Predictor predictor;
  private final SchemaRegistryClient registry;
  private final RegistryProbe probe;
  private final TaskCatalog catalog;
  private final InferenceEngine engine;
  private final CatalogFreshness freshness;
  private final RequestPipeline pipeline;
  private final Prefetcher prefetcher;
  private final GlobalRecordReader globalRecords;
  private final InstanceSlot instance;
  private final FencingClients clients;
  private final MeterRegistry meters;
  private final InferenceMetrics metrics;
  private final KafkaStreams streams;
  private final KafkaStreamsMetrics streamsMetrics;
  private int failures; // guarded by this
  private long lastFailure; // guarded by this; nanoTime
  private volatile boolean closing;

  InferenceService(
      Settings settings,
      Topics topics,
      SchemaRegistryClient registry,
      Predictor predictor,
      MeterRegistry meters,
      GroupProtocol protocol,
      int partitions) {
    this.registry = registry;
    this.predictor = predictor;
    this.meters = meters;
    streamsSettings = settings.streams();
    metrics = new InferenceMetrics(meters);
    EngineSettings e = settings.engine();
    WarmUp warmUp = new WarmUp(predictor);
    Pace pace = pace(warmUp, partitions, e);
    BatchPolicy policy =
        new BatchPolicy(pace.batchRows(), e.maxBatchTokens(), e.maxLinger(), e.lengthBucket());
    PreparedRow canary = warmUp.canary();
    probe = new RegistryProbe(registry, Subjects.ofValue(topics.requests().name()));
    RecordCodec codec = new RecordCodec(registry);
    catalog = new TaskCatalog(predictor);
    engine = new InferenceEngine(predictor, policy, canary, catalog::freshest, metrics);
    freshness =
        new CatalogFreshness(catalog, topics.definitions().name(), () -> consumer(settings));
    LimitSettings l = settings.limits();
    RequestLimits limits =
        new RequestLimits(
            l.maxRequestBytes(), l.maxTextChars(), l.maxAttributes(), l.maxAttributeChars());
    pipeline =
        new RequestPipeline(
            codec, limits, catalog, freshness, predictor, engine, e.preparationThreads());
    prefetcher =
        new Prefetcher(
            pipeline::submit,
            pipeline::prepareNow,
            new Prefetcher.Limits(
                pace.windowRows(),
                e.windowBytes(),
                pace.windowRowsPerPartition(),
                e.joinDeadline()),
            metrics);
    globalRecords = new GlobalRecordReader(codec, catalog);
    OutputRecords output =
        new OutputRecords(
            codec,
            topics,
            predictor.modelId(),
            new HeaderPolicy(l.maxHeaderBytes()),
            e.joinDeadline());
    AdapterFiles files = new AdapterFiles(Path.of(streamsSettings.stateDir(), "adapter-weights"));
    String applicationId = settings.kafka().applicationId();
    instance =
        InstanceSlot.claim(Path.of(streamsSettings.stateDir(), applicationId + ".instances"));
    clients = new FencingClients(applicationId, instance.name());
    streams =
        new KafkaStreams(
            InferenceTopology.build(
                new InferenceTopology.Parts(
                    topics, catalog, globalRecords, files, prefetcher, output, metrics)),
            StreamsProperties.of(
                settings.kafka(),
                streamsSettings,
                protocol,
                pace.recordsPerPoll(),
                maxOutputBytes(topics),
                prefetcher),
            clients);
    streamsMetrics = new KafkaStreamsMetrics(streams);
  }

  private static int maxOutputBytes(Topics topics) {
    return Math.max(topics.predictions().maxRecordBytes(), topics.deadLetters().maxRecordBytes());
  }

  private static KafkaConsumer<byte[], byte[]> consumer(Settings settings) {
    Map<String, Object> configs = settings.client();
    configs.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    configs.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    configs.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    configs.put(
        ConsumerConfig.CLIENT_ID_CONFIG, settings.kafka().applicationId() + "-catalog-check");
    return new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private Pace pace(WarmUp warmUp, int partitions, EngineSettings engine) {
    BatchPolicy largest =
        new BatchPolicy(
            engine.maxBatchRows(),
            engine.maxBatchTokens(),
            engine.maxLinger(),
            engine.lengthBucket());
    double rowsPerSecond = warmUp.rowsPerSecond(largest);
    Pace pace = Pace.of(rowsPerSecond, partitions, streamsSettings, engine);
    LOG.info(
        "Warm-up: {} rows of the longest input per second. {} threads poll {} records each of {}"
            + " partitions, {} rows are in the engine per thread, {} in a batch: one pass takes at"
            + " most {} s of a transaction's {} s",
        String.format("%.1f", rowsPerSecond),
        streamsSettings.threads(),
        pace.recordsPerPoll(),
        partitions,
        pace.windowRows(),
        pace.batchRows(),
        Pace.passSeconds(streamsSettings),
        streamsSettings.transactionTimeout().toSeconds());
    return pace;
  }

  /** Before {@link #start}: ends what a crashed predecessor left unfinished. */
  void takeOver(Admin admin) throws InterruptedException {
    if (streamsSettings.guarantee() == StreamsSettings.Guarantee.EXACTLY_ONCE_V2) {
      clients.abortLeftOpen(admin, streamsSettings.threads());
    }
  }

  /**
   * Starts the threads; returns when the catalog is read.
   *
   * @param onRunning called when requests are served for the first time
   * @param onFailure called when inference ended by itself
   */
  void start(Runnable onRunning, Consumer<Throwable> onFailure) {
    engine.start();
    probe.start();
    streams.setUncaughtExceptionHandler(this::onThreadFailure);
    streams.setStateListener(
        (now, before) -> {
          LOG.info("Kafka Streams: {} after {}", now, before);
          if (now == KafkaStreams.State.RUNNING) {
            onRunning.run();
          } else if (now == KafkaStreams.State.ERROR && !closing) {
            onFailure.accept(new IllegalStateException("Kafka Streams ended in state ERROR"));
          }
        });
    streamsMetrics.bindTo(meters);
    Gauge.builder("hyperstream.tasks.defined", catalog, TaskCatalog::size)
        .description("Tasks in the catalog")
        .register(meters);
    Gauge.builder("hyperstream.queue.rows", engine, InferenceEngine::queuedRows)
        .description("Rows waiting for a batch")
        .register(meters);
    if (predictor instanceof MultiTaskModel model) {
      bindAdapterCache(model);
    }
    streams.start();
  }

  private void bindAdapterCache(MultiTaskModel model) {
    counter("hyperstream.adapter.cache.hits", "Adapters a batch found ready", model, s -> s.hits());
    counter(
        "hyperstream.adapter.cache.misses", "Adapters made for a batch", model, s -> s.misses());
    counter("hyperstream.adapter.cache.evictions", "Adapters given up", model, s -> s.evictions());
    Gauge.builder("hyperstream.tasks.resident", model, m -> m.adapterStats().residentTasks())
        .description("Tasks whose adapters are ready")
        .register(meters);
    Gauge.builder("hyperstream.adapter.cache.bytes", model, m -> m.adapterStats().residentBytes())
        .description("Memory of ready adapters")
        .baseUnit("bytes")
        .register(meters);
  }

  private void counter(
      String name,
      String description,
      MultiTaskModel model,
      ToDoubleFunction<AdapterBankStats> value) {
    FunctionCounter.builder(name, model, m -> value.applyAsDouble(m.adapterStats()))
        .description(description)
        .register(meters);
  }

  /** A thread that fails is replaced, after a pause that grows while failures follow each other. */
  private StreamThreadExceptionResponse onThreadFailure(Throwable failure) {
    if (closing) {
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }
    metrics.threadFailures.increment();
    long pause = pauseAfterFailure();
    LOG.error("A stream thread failed; it is replaced in {} ms", pause, failure);
    try {
      TimeUnit.MILLISECONDS.sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return StreamThreadExceptionResponse.REPLACE_THREAD;
  }

  private synchronized long pauseAfterFailure() {
    long now = System.nanoTime();
    failures = now - lastFailure > CALM_NANOS ? 0 : Math.min(10, failures + 1);
    lastFailure = now;
    return Math.min(LONGEST_PAUSE_MILLIS, 500L << failures);
  }

  Map<String, String> problems() {
    Map<String, String> problems = new LinkedHashMap<>();
    if (streams.state() != KafkaStreams.State.RUNNING) {
      problems.put("streams", "Kafka Streams is " + streams.state());
    }
    engine.deviceError().ifPresent(problem -> problems.put("model", problem));
    probe.problem().ifPresent(problem -> problems.put("registry", problem));
    catalog.stalled().ifPresent(problem -> problems.put("catalog", problem));
    return problems;
  }

  Optional<String> fatal() {
    KafkaStreams.State state = streams.state();
    if (!closing && (state == KafkaStreams.State.ERROR || state.hasCompletedShutdown())) {
      return Optional.of("Kafka Streams is " + state);
    }
    return closing || engine.isAlive() || state == KafkaStreams.State.CREATED
        ? Optional.empty()
        : Optional.of("the inference engine ended");
  }

  @Override
  public void close() {
    closing = true;
    Duration patience = streamsSettings.shutdownTimeout();
    prefetcher.drainWithin(patience);
    globalRecords.close();
    boolean clean =
        streams.close(
            CloseOptions.timeout(patience.plusSeconds(3))
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    if (!clean) {
      LOG.warn(
          "Kafka Streams did not end within {}; what is not committed is read again", patience);
    }
    pipeline.close();
    engine.close();
    freshness.close();
    probe.close();
    streamsMetrics.close();
    instance.close();
    try {
      registry.close();
    } catch (java.io.IOException e) {
      LOG.debug("The registry client did not close", e);
    }
  }
}
