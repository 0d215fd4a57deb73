package io.hyperstream.app.adaptation;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.AdaptationPolicySettings;
import io.hyperstream.app.config.AdaptationSettings;
import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.InstanceSlot;
import io.hyperstream.app.streams.OffsetWatch;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RegistryProbe;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.streams.RoleRuntime.Cluster;
import io.hyperstream.app.streams.RoleService;
import io.hyperstream.app.streams.StreamsProperties;
import io.hyperstream.app.streams.StreamsRun;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.app.versions.WeightCollector;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of adaptation, wired: trainer, topology, Kafka Streams. */
final class AdaptationService implements RoleService {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationService.class);

  /** Bookkeeping is quick, so a poll is bounded by what it may fetch. */
  private static final int RECORDS_PER_POLL = 500;

  /** How long a record waits for a registry that is down before its thread starts over. */
  private static final Duration ENCODING_PATIENCE = Duration.ofSeconds(30);

  /**
   * The topics read here have different numbers of partitions. The streams protocol (KIP-1071, as
   * of Kafka 4.3) then hands out partitions that do not exist, and their tasks wait for them for
   * ever.
   */
  private static final GroupProtocol GROUP_PROTOCOL = GroupProtocol.CLASSIC;

  private static final Duration COLLECTION_PATIENCE = Duration.ofMinutes(5);

  private final MeterRegistry meters;
  private final SchemaRegistryClient registry;
  private final RegistryProbe probe;
  private final RetryingDecoder reader;
  private final TrainerThread trainer;
  private final OffsetWatch offsets;
  private final StreamsRun streams;
  private final DefinitionsAhead definitions;
  private final WeightCollector weights;
  private final Duration collectAfter;
  private final Duration collectEvery;
  private final Function<IsolationLevel, org.apache.kafka.clients.consumer.Consumer<byte[], byte[]>>
      readers;
  private final ScheduledExecutorService housekeeping =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hyperstream-adaptation-housekeeping");
            thread.setDaemon(true);
            return thread;
          });
  private volatile Optional<String> stalled = Optional.empty();

  AdaptationService(
      ClusterSettings cluster,
      AdaptationSettings settings,
      AdaptationPolicySettings policy,
      Cluster ready,
      ModelStore store,
      TrialWork.Model model,
      MeterRegistry meters,
      Tracing tracing)
      throws InterruptedException {
    this.meters = meters;
    registry = ready.registry();
    Topics topics = ready.topics();
    probe = new RegistryProbe(registry, Subjects.ofValue(topics.labels().name()));
    RecordCodec codec = new RecordCodec(registry, RecordCodec.GRACE);
    Counter registryRetries = Retries.counter(meters, "registry");
    reader = new RetryingDecoder(codec, reason -> stalled = reason, registryRetries::increment);
    HeaderPolicy headers = new HeaderPolicy(cluster.limits().maxHeaderBytes());
    OutputRecords output =
        new OutputRecords(codec, topics, headers, ENCODING_PATIENCE, registryRetries::increment);
    InstanceSlot instance =
        InstanceSlot.claim(Path.of(cluster.streams().stateDir()), settings.applicationId());
    AdapterFiles files =
        new AdapterFiles(
            instance.folder().resolve("champions"), Duration.ZERO, store::releaseWeights);
    String owner = owner(ready.admin(), settings.applicationId());
    VersionCodec versions = new VersionCodec(files, store, owner, settings.maxInlineWeightsBytes());
    trainer = new TrainerThread(new TrialWork(model, versions, files), meters);
    weights = new WeightCollector(store, owner, topics, codec, Clock.systemUTC());
    collectAfter = settings.collectWeightsAfter();
    collectEvery = settings.collectWeightsEvery();
    readers =
        isolation -> cluster.reader(settings.applicationId() + "-weights-" + isolation, isolation);
    definitions =
        new DefinitionsAhead(
            topics.definitions().name(),
            codec,
            () ->
                cluster.reader(
                    settings.applicationId() + "-definitions", IsolationLevel.READ_COMMITTED),
            Retries.counter(meters, "definitions")::increment);
    List<String> sources = AdaptationTopology.sources(topics, settings.labelsByRequest());
    offsets = new OffsetWatch(settings.applicationId(), sources, topics.reports().name(), meters);
    streams =
        new StreamsRun(
            cluster,
            instance,
            streams(
                settings.applicationId(), settings.threads(), settings.commitInterval(), topics),
            AdaptationTopology.build(
                new AdaptationTopology.Parts(
                    topics,
                    model.stored().modelId(),
                    reader,
                    output,
                    headers,
                    trainer,
                    definitions,
                    options(settings, policy, cluster.limits()),
                    new AdaptationMetrics(meters),
                    tracing)),
            sources,
            offsets,
            Counter.builder("hyperstream.adaptation.thread.failures")
                .description("Stream threads of adaptation that failed and were replaced")
                .register(meters));
  }

  /** Whose weights: a store may be shared by applications on other clusters. */
  private static String owner(Admin admin, String applicationId) throws InterruptedException {
    try {
      return admin.describeCluster().clusterId().get() + "." + applicationId;
    } catch (ExecutionException e) {
      throw new IllegalStateException("the cluster does not say its id", e.getCause());
    }
  }

  /** What the adaptation role asks of Kafka Streams. */
  static StreamsProperties streams(
      String applicationId, int threads, Duration commitInterval, Topics topics) {
    int largest = AdaptationTopology.maxRecordBytes(topics);
    return new StreamsProperties(
        applicationId,
        GROUP_PROTOCOL,
        threads,
        commitInterval,
        RECORDS_PER_POLL,
        largest,
        Map.of(
            StreamsConfig.topicPrefix(TopicConfig.MAX_MESSAGE_BYTES_CONFIG),
            largest,
            // Kafka Streams removes what was read itself; no default of a broker may.
            StreamsConfig.topicPrefix(TopicConfig.RETENTION_BYTES_CONFIG),
            -1));
  }

  private static AdaptationOptions options(
      AdaptationSettings settings, AdaptationPolicySettings policy, LimitSettings limits) {
    return new AdaptationOptions(
        settings.partitions(),
        settings.labelsByRequest(),
        settings.labelGrace(),
        settings.requestPatience(),
        settings.maxWaiting(),
        settings.maxRequests(),
        settings.maxRequestBytes(),
        settings.maxTaskBytes(),
        limits.maxRequestBytes(),
        limits.maxTextChars(),
        AdaptationPolicy.newBuilder()
            .setEnabled(policy.enabled())
            .setTriggerExamples(policy.triggerExamples())
            .setMaxExamplesPerLabel(policy.maxExamplesPerLabel())
            .setHeldOutFraction(policy.heldOutFraction())
            .setPromotionProbability(policy.promotionProbability())
            .setMethod(policy.method())
            .setTuneWeights(policy.tuneWeights())
            .setMinIntervalSeconds(Math.toIntExact(policy.minInterval().toSeconds()))
            .build());
  }

  @Override
  public void takeOver(Admin admin) throws InterruptedException {
    streams.takeOver(admin);
  }

  @Override
  public void start(Runnable onRunning, Consumer<Throwable> onFailure) {
    trainer.start();
    probe.start();
    streams.start(meters, onRunning, onFailure);
    var unused =
        housekeeping.scheduleWithFixedDelay(
            this::collectWeights,
            collectAfter.toMillis(),
            Math.max(1, collectEvery.toMillis()),
            TimeUnit.MILLISECONDS);
  }

  private void collectWeights() {
    try (var committed = readers.apply(IsolationLevel.READ_COMMITTED);
        var written = readers.apply(IsolationLevel.READ_UNCOMMITTED)) {
      int removed = weights.collect(committed, written, COLLECTION_PATIENCE);
      if (removed > 0) {
        LOG.info("{} weights that no version needs were removed from the model store", removed);
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("Weights that no version needs stay in the model store for now", e);
    }
  }

  @Override
  public Map<String, String> problems() {
    Map<String, String> problems = new LinkedHashMap<>();
    streams.problem().ifPresent(problem -> problems.put("streams", problem));
    streams.unserved().ifPresent(problem -> problems.put("partitions", problem));
    probe.problem().ifPresent(problem -> problems.put("registry", problem));
    stalled.ifPresent(problem -> problems.put("records", problem));
    return problems;
  }

  @Override
  public Map<String, Object> notices() {
    return offsets.details();
  }

  @Override
  public Optional<String> fatal() {
    return streams.fatal();
  }

  @Override
  public void close() {
    streams.closing();
    housekeeping.shutdownNow();
    trainer.close();
    reader.close();
    streams.close();
    definitions.close();
    probe.close();
    try {
      registry.close();
    } catch (IOException e) {
      LOG.debug("The registry client did not close", e);
    }
  }
}
