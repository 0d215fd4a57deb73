package io.hyperstream.app.inference;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.config.RegistrySettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.BeanProvider;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts inference and stops it. The start runs on a thread of its own, so that health answers
 * while the model loads; a start that fails is final. Public methods may be called from any thread.
 */
@Singleton
public final class InferenceRuntime implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceRuntime.class);

  private final Settings settings;
  private final BeanProvider<Predictor> model;
  private final MeterRegistry meters;
  private final CompletableFuture<Void> running = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final Thread starter = new Thread(this::startUp, "hyperstream-start");
  private volatile String phase = "not started";
  private volatile InferenceService service; // null until the model is loaded
  private boolean closing; // guarded by this

  /** What the parts are configured with. */
  @Singleton
  record Settings(
      KafkaSettings kafka,
      RegistrySettings registry,
      StreamsSettings streams,
      EngineSettings engine,
      LimitSettings limits) {

    Topics topics() {
      return new Topics(
          new Topics.Settings(
              kafka.topicPrefix(),
              kafka.partitions(),
              (short) kafka.replicationFactor(),
              kafka.retention(),
              kafka.deadLetterRetention(),
              limits.maxRequestBytes()));
    }

    Map<String, Object> client() {
      Map<String, Object> client = new HashMap<>(kafka.properties());
      client.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
      return client;
    }
  }

  InferenceRuntime(Settings settings, BeanProvider<Predictor> model, MeterRegistry meters) {
    this.settings = settings;
    this.model = model;
    this.meters = meters;
    starter.setDaemon(true);
  }

  /** Begins to start; returns at once. */
  public void start() {
    starter.start();
  }

  /** Completes when requests are served; exceptionally, with the reason, if that will never be. */
  public CompletableFuture<Void> running() {
    return running.copy();
  }

  /** Completes when inference has ended: exceptionally if not by {@link #close}. */
  public CompletableFuture<Void> ended() {
    return ended.copy();
  }

  private void startUp() {
    try {
      prepareAndServe();
    } catch (InterruptedException e) {
      fail(new IllegalStateException("closed while " + phase, e));
    } catch (RuntimeException | LinkageError e) {
      fail(e);
    }
  }

  private void prepareAndServe() throws InterruptedException {
    Topics topics = settings.topics();
    phase = "preparing the topics";
    Admin admin = Admin.create(settings.client());
    try {
      new TopicProvisioner(admin, (short) settings.kafka().replicationFactor())
          .ensure(topics.all(), settings.kafka().createTopics(), settings.kafka().startPatience());
      phase = "registering the schemas";
      SchemaRegistryClient registry =
          SchemaRegistries.connect(settings.registry().url(), settings.registry().properties());
      new SchemaRegistrar(registry, topics).register(settings.registry().startPatience());
      phase = "loading the model";
      Predictor predictor = model.get();
      phase = "starting the streams";
      StreamsSettings.GroupProtocol protocol =
          new GroupProtocolChoice(admin)
              .of(settings.streams().groupProtocol(), settings.kafka().applicationId());
      int partitions = partitionsOf(topics.requests().name(), admin);
      InferenceService ready =
          new InferenceService(settings, topics, registry, predictor, meters, protocol, partitions);
      ready.takeOver(admin);
      serve(ready);
    } finally {
      admin.close(Duration.ofSeconds(1)); // without a limit it waits for a cluster that is down
    }
  }

  private static int partitionsOf(String topic, Admin admin) throws InterruptedException {
    try {
      return admin
          .describeTopics(List.of(topic))
          .allTopicNames()
          .get()
          .get(topic)
          .partitions()
          .size();
    } catch (ExecutionException e) {
      throw new IllegalStateException("cannot describe topic " + topic, e.getCause());
    }
  }

  private void serve(InferenceService ready) {
    synchronized (this) {
      service = ready;
      if (closing) {
        ready.close();
        throw new IllegalStateException("closed while " + phase);
      }
    }
    ready.start(
        () -> {
          phase = "running";
          running.complete(null);
        },
        this::fail);
  }

  private void fail(Throwable reason) {
    synchronized (this) {
      if (!closing) {
        LOG.error("Inference failed while {}", phase, reason);
        phase = "failed: " + reason.getMessage();
      }
    }
    running.completeExceptionally(reason);
    ended.completeExceptionally(reason);
  }

  /** What keeps requests from being served now, by part; empty when all is well. */
  public Map<String, String> problems() {
    Map<String, String> problems = new LinkedHashMap<>();
    InferenceService current = service;
    if (current == null) {
      problems.put("start", phase);
    } else {
      problems.putAll(current.problems());
    }
    return problems;
  }

  /** What only a new start of the process can mend; empty when there is no such thing. */
  public Optional<String> fatal() {
    return running.isCompletedExceptionally() || ended.isCompletedExceptionally()
        ? Optional.of(phase)
        : Optional.ofNullable(service).flatMap(InferenceService::fatal);
  }

  /** What it is doing, in a few words. */
  public String phase() {
    return phase;
  }

  /**
   * Finishes what was polled, commits it, leaves the group. Takes at most the configured shutdown
   * timeout and a few seconds. A second call waits for nothing.
   */
  @Override
  @PreDestroy
  public void close() {
    InferenceService current;
    synchronized (this) {
      if (closing) {
        return;
      }
      closing = true;
      phase = "closing";
      current = service;
    }
    starter.interrupt();
    long start = System.nanoTime();
    if (current != null) {
      current.close();
    }
    running.completeExceptionally(new IllegalStateException("closed"));
    ended.complete(null);
    LOG.info("Inference closed in {} ms", Duration.ofNanos(System.nanoTime() - start).toMillis());
  }
}
