package io.hyperstream.app.inference;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.inference.InferenceClient.TaskEmbedding;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.InstanceSlot;
import io.hyperstream.app.streams.OffsetWatch;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RegistryProbe;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.streams.RoleService;
import io.hyperstream.app.streams.StreamsProperties;
import io.hyperstream.app.streams.StreamsRun;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.AdapterBankStats;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.NativeMemory;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.context.Context;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.IsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of inference, wired: engine, prefetch, catalog, topology, Kafka Streams. Made and started
 * by one thread, closed by any.
 */
final class InferenceService implements RoleService {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceService.class);

  /** How much longer than a row may wait, weights are kept that no task is served with any more. */
  private static final Duration WEIGHTS_GRACE = Duration.ofMinutes(1);

  private final ClusterSettings settings;
  private final Predictor predictor;
  private final SchemaRegistryClient registry;
  private final RegistryProbe probe;
  private final TaskCatalog catalog;
  private final AdapterAdoption adoption;
  private final InferenceEngine engine;
  private final CatalogFreshness freshness;
  private final RequestPipeline pipeline;
  private final Prefetcher prefetcher;
  private final PredictionRecords output;
  private final Duration answerPatience;
  private final RetryingDecoder globalRecords;
  private final MeterRegistry meters;
  private final InferenceSpans spans;
  private final OffsetWatch offsets;
  private final StreamsRun streams;
  private volatile boolean serving;
  private volatile boolean closing;

  InferenceService(
      ClusterSettings settings,
      EngineSettings e,
      Topics topics,
      SchemaRegistryClient registry,
      Predictor predictor,
      ModelStore store,
      MeterRegistry meters,
      Tracing tracing,
      GroupProtocol protocol,
      int partitions) {
    this.registry = registry;
    this.predictor = predictor;
    this.meters = meters;
    this.settings = settings;
    answerPatience = e.joinDeadline();
    InferenceMetrics metrics = new InferenceMetrics(meters);
    spans = new InferenceSpans(tracing, settings.kafka().applicationId());
    WarmUp warmUp = new WarmUp(predictor);
    AdmissionLimits admission = admissionLimits(warmUp, partitions, e);
    // What was measured on rows of some length holds for as many tokens of others.
    long batchTokens = Math.min(e.maxBatchTokens(), (long) admission.batchRows() * warmUp.tokens());
    BatchPolicy policy =
        new BatchPolicy(e.maxBatchRows(), Math.toIntExact(batchTokens), e.maxLinger());
    probe = new RegistryProbe(registry, Subjects.ofValue(topics.requests().name()));
    RecordCodec codec = new RecordCodec(registry, RecordCodec.GRACE);
    catalog = new TaskCatalog(predictor);
    InstanceSlot instance =
        InstanceSlot.claim(
            Path.of(settings.streams().stateDir()), settings.kafka().applicationId());
    // Of this process alone: another one on the same folder would remove what this one needs.
    AdapterFiles files =
        new AdapterFiles(
            instance.folder().resolve("adapter-weights"),
            e.joinDeadline().plus(WEIGHTS_GRACE),
            store::releaseWeights);
    adoption =
        new AdapterAdoption(
            catalog,
            new VersionCodec(files, store),
            files,
            new AdapterRecords(
                codec,
                () ->
                    settings.reader(
                        settings.kafka().applicationId() + "-adapters-again",
                        IsolationLevel.READ_COMMITTED)),
            metrics);
    engine =
        new InferenceEngine(
            predictor,
            policy,
            e.joinDeadline(),
            warmUp::canary,
            catalog::freshest,
            adoption::missing,
            metrics,
            spans);
    freshness =
        new CatalogFreshness(
            catalog,
            topics.definitions().name(),
            () ->
                settings.reader(
                    settings.kafka().applicationId() + "-catalog-check",
                    IsolationLevel.READ_COMMITTED));
    LimitSettings l = settings.limits();
    RequestLimits limits =
        new RequestLimits(
            l.maxRequestBytes(), l.maxTextChars(), l.maxAttributes(), l.maxAttributeChars());
    pipeline =
        new RequestPipeline(
            codec, limits, catalog, freshness, predictor, engine, metrics, e.preparationThreads());
    prefetcher =
        new Prefetcher(
            pipeline::submit,
            pipeline::prepareNow,
            new Prefetcher.Limits(
                admission.windowRows(),
                e.windowBytes(),
                admission.windowRowsPerPartition(),
                e.joinDeadline()),
            metrics,
            spans);
    Counter registryRetries = Retries.counter(meters, "registry");
    globalRecords = new RetryingDecoder(codec, catalog::stalled, registryRetries::increment);
    HeaderPolicy headers = new HeaderPolicy(l.maxHeaderBytes());
    output =
        new PredictionRecords(
            new OutputRecords(codec, topics, headers, e.joinDeadline(), registryRetries::increment),
            topics,
            predictor.modelId(),
            headers);
    List<String> sources = List.of(topics.requests().name());
    offsets =
        new OffsetWatch(
            settings.kafka().applicationId(), sources, topics.predictions().name(), meters);
    streams =
        new StreamsRun(
            settings,
            instance,
            new StreamsProperties(
                settings.kafka().applicationId(),
                protocol,
                settings.streams().threads(),
                settings.streams().commitInterval(),
                admission.recordsPerPoll(),
                maxOutputBytes(topics),
                Map.of(
                    StreamsProperties.main(ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG),
                    PrefetchInterceptor.class.getName(),
                    StreamsProperties.main(PrefetchInterceptor.PREFETCHER_CONFIG),
                    prefetcher)),
            InferenceTopology.build(
                new InferenceTopology.Parts(
                    topics, catalog, globalRecords, adoption, prefetcher, output, metrics)),
            sources,
            offsets,
            metrics.threadFailures);
  }

  private static int maxOutputBytes(Topics topics) {
    return Math.max(topics.predictions().maxRecordBytes(), topics.deadLetters().maxRecordBytes());
  }

  private AdmissionLimits admissionLimits(WarmUp warmUp, int partitions, EngineSettings engine) {
    BatchPolicy largest =
        new BatchPolicy(engine.maxBatchRows(), engine.maxBatchTokens(), engine.maxLinger());
    double rowsPerSecond = warmUp.rowsPerSecond(largest);
    NativeMemory.giveBackFreed(); // no batch of real texts is as large, nor on this thread
    AdmissionLimits admission =
        AdmissionLimits.of(rowsPerSecond, partitions, settings.streams(), engine);
    LOG.info(
        "Warm-up: {} rows of {} tokens per second. {} threads poll {} records each of {}"
            + " partitions, {} rows are in the engine per thread, {} such rows or as many tokens in a batch: one pass takes at"
            + " most {} s of a transaction's {} s",
        String.format(Locale.ROOT, "%.1f", rowsPerSecond),
        warmUp.tokens(),
        settings.streams().threads(),
        admission.recordsPerPoll(),
        partitions,
        admission.windowRows(),
        admission.batchRows(),
        AdmissionLimits.passSeconds(settings.streams()),
        settings.streams().transactionTimeout().toSeconds());
    return admission;
  }

  @Override
  public void takeOver(Admin admin) throws InterruptedException {
    streams.takeOver(admin);
  }

  /** Returns when the catalog is read. */
  @Override
  public void start(Runnable onRunning, Consumer<Throwable> onFailure) {
    engine.start();
    probe.start();
    Gauge.builder("hyperstream.tasks.defined", catalog, TaskCatalog::size)
        .description("Tasks in the catalog")
        .register(meters);
    Gauge.builder("hyperstream.queue.rows", engine, InferenceEngine::queuedRows)
        .description("Rows waiting for a batch")
        .register(meters);
    Gauge.builder("hyperstream.adapters.waiting", adoption, AdapterAdoption::waiting)
        .description("Adapter versions that are not served yet")
        .register(meters);
    if (predictor instanceof MultiTaskModel model) {
      bindAdapterCache(model);
    }
    var unused =
        pipeline
            .broken()
            .whenComplete(
                (none, failure) -> {
                  if (!closing) {
                    onFailure.accept(failure);
                  }
                });
    streams.start(meters, onRunning, onFailure);
    adoption.live();
    serving = true;
  }

  private void bindAdapterCache(MultiTaskModel model) {
    counter("hyperstream.adapter.cache.hits", "Adapters a batch found ready", model, s -> s.hits());
    counter(
        "hyperstream.adapter.cache.misses",
        "Adapters generated for a batch",
        model,
        s -> s.misses());
    counter("hyperstream.adapter.cache.evictions", "Adapters evicted", model, s -> s.evictions());
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

  /** Whether it can be asked: the catalog is read, the engine runs. */
  boolean isServing() {
    return serving && !closing;
  }

  String modelId() {
    return predictor.modelId();
  }

  /** As {@link InferenceClient#predict}. */
  CompletableFuture<Prediction> predict(InferenceRequest request, Context parent) {
    PendingRequest pending = PendingRequest.outsideTheStream(System.currentTimeMillis());
    pending.begin(spans.question(parent));
    pipeline.submit(pending, request);
    CompletableFuture<Prediction> answer =
        pending
            .outcome()
            .orTimeout(answerPatience.toMillis(), TimeUnit.MILLISECONDS)
            .whenComplete((outcome, failure) -> finish(pending, outcome, failure))
            .thenApply(this::predictionOf);
    // After a timeout nobody waits for it any more.
    return answer.whenComplete((prediction, failure) -> pending.evict());
  }

  private static void finish(PendingRequest pending, Outcome outcome, Throwable failure) {
    if (failure == null) {
      InferenceSpans.finish(pending.span(), outcome);
    } else {
      InferenceSpans.finish(pending.span(), failure);
    }
  }

  private Prediction predictionOf(Outcome outcome) {
    if (outcome instanceof Outcome.Answered answered) {
      return output.record(answered);
    }
    Outcome.Rejected rejected = (Outcome.Rejected) outcome;
    throw new InferenceClient.RefusedException(rejected.code(), rejected.message());
  }

  Optional<String> invalid(String taskId) {
    return catalog
        .find(taskId)
        .flatMap(
            entry ->
                entry instanceof TaskCatalog.Entry.Invalid invalid
                    ? Optional.of(invalid.reason())
                    : Optional.empty());
  }

  List<TaskEmbedding> embeddings() {
    return catalog.defined().stream()
        .flatMap(
            task -> {
              TaskAdapter adapter = catalog.adapterOf(task);
              return embeddingOf(adapter)
                  .or(() -> embeddingOf(task.start()))
                  .map(e -> new TaskEmbedding(adapter.taskId(), adapter.version(), e.values()))
                  .stream();
            })
        .toList();
  }

  void check(TaskDefinition definition) {
    predictor.check(definition);
  }

  Optional<TaskEmbedding> startOf(TaskDefinition definition) {
    return embeddingOf(predictor.startingAdapter(definition))
        .map(e -> new TaskEmbedding(definition.taskId(), 0, e.values()));
  }

  private static Optional<AdapterForm.Embedding> embeddingOf(TaskAdapter adapter) {
    return adapter.form() instanceof AdapterForm.Embedding embedding
        ? Optional.of(embedding)
        : Optional.empty();
  }

  @Override
  public Map<String, String> problems() {
    Map<String, String> problems = new LinkedHashMap<>();
    streams.problem().ifPresent(problem -> problems.put("streams", problem));
    streams.unserved().ifPresent(problem -> problems.put("partitions", problem));
    engine.deviceError().ifPresent(problem -> problems.put("model", problem));
    probe.problem().ifPresent(problem -> problems.put("registry", problem));
    catalog.stalled().ifPresent(problem -> problems.put("catalog", problem));
    return problems;
  }

  @Override
  public Map<String, Object> notices() {
    Map<String, Object> notices = new LinkedHashMap<>(offsets.details());
    // Not red: all replicas would be, and the API away, for one task that its last version answers.
    adoption.problem().ifPresent(problem -> notices.put("adapters", problem));
    return notices;
  }

  @Override
  public Optional<String> fatal() {
    Optional<String> fatal = streams.fatal();
    return fatal.isPresent() || closing ? fatal : engine.fatal();
  }

  @Override
  public void close() {
    closing = true;
    streams.closing();
    prefetcher.drainWithin(settings.streams().shutdownTimeout());
    globalRecords.close();
    streams.close();
    pipeline.close();
    engine.close();
    adoption.close();
    freshness.close();
    probe.close();
    try {
      registry.close();
    } catch (java.io.IOException e) {
      LOG.debug("The registry client did not close", e);
    }
  }
}
