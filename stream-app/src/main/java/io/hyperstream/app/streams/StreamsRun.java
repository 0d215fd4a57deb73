package io.hyperstream.app.streams;

import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.schemas.Backoff;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.kafka.KafkaStreamsMetrics;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.ThreadMetadata;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of Kafka Streams: ends what a crashed predecessor left open, replaces threads that fail,
 * leaves the group within limits. Made and started by one thread; everything else from any.
 */
public final class StreamsRun implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StreamsRun.class);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
  private static final long CALM_NANOS = TimeUnit.MINUTES.toNanos(2);

  private final StreamsSettings settings;
  private final int threads;
  private final String applicationId;
  private final Backoff failures; // guarded by this
  private final InstanceSlot instance;
  private final FencingClients clients;
  private final OffsetWatch offsets;
  private final GroupWatch group;
  private final KafkaStreams streams;
  private final KafkaStreamsMetrics metrics;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hyperstream-clock");
            thread.setDaemon(true);
            return thread;
          });
  private long lastFailure; // guarded by this; nanoTime
  private volatile boolean closing;

  /**
   * Nothing runs yet.
   *
   * @param instance closed with this
   * @param sources the topics of users it reads
   * @param offsets told where the place in a topic is lost
   * @param threadFailures counts threads that failed and were replaced
   */
  public StreamsRun(
      ClusterSettings cluster,
      InstanceSlot instance,
      StreamsProperties properties,
      Topology topology,
      List<String> sources,
      OffsetWatch offsets,
      Counter threadFailures) {
    settings = cluster.streams();
    applicationId = properties.applicationId();
    threads = properties.threads();
    failures = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, threadFailures::increment);
    this.instance = instance;
    this.offsets = offsets;
    clients = new FencingClients(applicationId, instance.name(), offsets);
    Properties configs = properties.with(cluster.kafka(), settings, instance.folder());
    configs.put(StreamsProperties.main(OffsetWatch.CONFIG), offsets);
    configs.put(
        StreamsProperties.main(StreamsConfig.InternalConfig.INTERNAL_CONSUMER_WRAPPER),
        WatchedConsumer.class);
    streams = new KafkaStreams(topology, configs, clients);
    group =
        new GroupWatch(
            applicationId,
            sources,
            properties.protocol(),
            settings.sessionTimeout().multipliedBy(2),
            this::localPartitions,
            offsets::recreated);
    metrics = new KafkaStreamsMetrics(streams);
  }

  /** Before {@link #start}: ends what a crashed predecessor left unfinished. */
  public void takeOver(Admin admin) throws InterruptedException {
    offsets.begin(admin);
    group.begin(admin);
    if (settings.guarantee() == StreamsSettings.Guarantee.EXACTLY_ONCE_V2) {
      clients.abortLeftOpen(admin, threads);
    }
  }

  /**
   * Starts the threads; returns when global stores are read.
   *
   * @param onRunning called whenever records are being processed from now on
   * @param onFailure called when it ended by itself
   */
  public void start(MeterRegistry meters, Runnable onRunning, Consumer<Throwable> onFailure) {
    streams.setUncaughtExceptionHandler(failure -> onThreadFailure(failure, onFailure));
    streams.setStateListener(
        (now, before) -> {
          LOG.info("Kafka Streams: {} after {} ({})", now, before, applicationId);
          if (now == KafkaStreams.State.RUNNING) {
            onRunning.run();
          } else if (now == KafkaStreams.State.ERROR && !closing) {
            onFailure.accept(new IllegalStateException("Kafka Streams ended in state ERROR"));
          }
        });
    metrics.bindTo(meters);
    watchClock(onFailure);
    long period = Math.max(1, settings.sessionTimeout().toMillis() / 2);
    var unused =
        clock.scheduleWithFixedDelay(this::watchGroup, period, period, TimeUnit.MILLISECONDS);
    streams.start();
  }

  private void watchGroup() {
    try {
      clients
          .admin()
          .filter(admin -> !closing)
          .ifPresent(
              admin -> {
                offsets.look(admin);
                group.look(admin);
              });
    } catch (RuntimeException e) {
      LOG.debug("The group cannot be looked at", e); // the admin client is closing
    }
  }

  /** By the client id of its consumer; empty while partitions are being handed out. */
  private Map<String, Set<TopicPartition>> localPartitions() {
    Map<String, Set<TopicPartition>> partitions = new HashMap<>();
    if (streams.state() == KafkaStreams.State.RUNNING) {
      for (ThreadMetadata thread : streams.metadataForLocalThreads()) {
        Set<TopicPartition> ofThread =
            partitions.computeIfAbsent(thread.consumerClientId(), id -> new HashSet<>());
        thread.activeTasks().forEach(task -> ofThread.addAll(task.topicPartitions()));
      }
    }
    return partitions;
  }

  /** A new process is the only remedy: all timers of this one's clients wait for the old time. */
  private void watchClock(Consumer<Throwable> onFailure) {
    ClockWatch watch = new ClockWatch();
    Runnable look =
        () ->
            watch
                .setBack()
                .filter(by -> !closing)
                .ifPresent(
                    by -> {
                      clock.shutdown();
                      onFailure.accept(
                          new IllegalStateException(
                              "the machine's clock was set back by "
                                  + by.toSeconds()
                                  + " s, and Kafka's clients would wait as long; start this"
                                  + " process again"));
                    });
    var unused = clock.scheduleWithFixedDelay(look, 0, 1, TimeUnit.SECONDS);
  }

  /**
   * A thread that fails is replaced, after a pause that grows while failures follow each other; not
   * if only a new process can go on.
   */
  private StreamThreadExceptionResponse onThreadFailure(
      Throwable failure, Consumer<Throwable> onFailure) {
    if (closing) {
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }
    Duration pause = pauseAfterFailure();
    Optional<IllegalStateException> fatal = FatalErrors.in(failure, following());
    if (fatal.isPresent()) {
      LOG.error("A stream thread failed, and only a new process can go on", failure);
      onFailure.accept(fatal.get());
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }
    LOG.error("A stream thread failed; it is replaced in {} ms", pause.toMillis(), failure);
    try {
      TimeUnit.NANOSECONDS.sleep(pause.toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return StreamThreadExceptionResponse.REPLACE_THREAD;
  }

  private synchronized Duration pauseAfterFailure() {
    long now = System.nanoTime();
    if (now - lastFailure > CALM_NANOS) {
      failures.worked();
    }
    lastFailure = now;
    return failures.failed();
  }

  /** How many failures followed each other until now. */
  private synchronized int following() {
    return failures.failures();
  }

  /** Why records are not processed now; empty while they are. */
  public Optional<String> problem() {
    KafkaStreams.State state = streams.state();
    return state == KafkaStreams.State.RUNNING
        ? Optional.empty()
        : Optional.of("Kafka Streams is " + state);
  }

  /** Partitions that nobody reads although the group is stable; empty if there is none. */
  public Optional<String> unserved() {
    return group.problem();
  }

  /** What only a new start can fix; empty when there is no such thing. */
  public Optional<String> fatal() {
    KafkaStreams.State state = streams.state();
    return !closing && (state == KafkaStreams.State.ERROR || state.hasCompletedShutdown())
        ? Optional.of("Kafka Streams is " + state)
        : Optional.empty();
  }

  /** From now on a thread that fails is not replaced. */
  public void closing() {
    closing = true;
  }

  /** Finishes and commits what was polled, leaves the group, frees the place. */
  @Override
  public void close() {
    closing = true;
    Duration patience = settings.shutdownTimeout();
    boolean clean =
        streams.close(
            CloseOptions.timeout(patience.plusSeconds(3))
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    if (!clean) {
      LOG.warn(
          "Kafka Streams did not end within {}; what is not committed is read again", patience);
    }
    clock.shutdownNow();
    metrics.close();
    instance.close();
  }
}
