package io.hyperstream.app.inference;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.Retries;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * The meters of the inference path, made once: the hot path only updates. Thread-safe. Only {@link
 * #abstained} is tagged with a task, of {@value #MAX_TASKS} at most.
 */
final class InferenceMetrics {
  /** Tasks whose abstentions are counted apart; the others are counted together. */
  static final int MAX_TASKS = 1_000;

  /** No task can have this id. */
  static final String OTHER_TASKS = "(other)";

  final MeterRegistry registry;
  final Counter requests;
  final Counter predictions;
  final Counter prefetchHits;
  final Counter prefetchMisses;
  final Counter ignoredAdapters;
  final Counter invalidDefinitions;
  final Counter batchFailures;
  final Counter workerRestarts;
  final Counter retries;
  final Counter weightRetries;
  final Counter deviceRetries;
  final Counter threadFailures;
  final Counter defects;
  final DistributionSummary batchRows;
  final DistributionSummary batchTasks;
  final DistributionSummary sharedRatio;
  final Timer queueTime;
  final Timer deviceTime;
  final Timer endToEnd;
  private final ConcurrentMap<String, Counter> abstained = new ConcurrentHashMap<>();
  private final Map<ErrorCode, Counter> deadLetters = new EnumMap<>(ErrorCode.class);

  InferenceMetrics(MeterRegistry registry) {
    this.registry = registry;
    requests = counter("hyperstream.requests", "Requests answered or dead-lettered");
    predictions = counter("hyperstream.predictions", "Predictions forwarded");
    prefetchHits =
        counter("hyperstream.prefetch.hits", "Records already in the engine when their turn came");
    prefetchMisses =
        counter("hyperstream.prefetch.misses", "Records that had to be computed at their turn");
    ignoredAdapters =
        counter("hyperstream.adapters.ignored", "Adapter versions that were not applied");
    invalidDefinitions =
        counter("hyperstream.definitions.invalid", "Task definitions that cannot be served");
    batchFailures = counter("hyperstream.batch.failures", "Batches that failed as a whole");
    workerRestarts =
        counter("hyperstream.worker.restarts", "Workers that took over after the device failed");
    retries = Retries.counter(registry, "request");
    weightRetries = Retries.counter(registry, "weights of a version");
    deviceRetries = Retries.counter(registry, "device");
    threadFailures =
        counter("hyperstream.thread.failures", "Stream threads that failed and were replaced");
    defects =
        counter("hyperstream.defects", "Requests refused because of a defect of the application");
    batchRows = summary("hyperstream.batch.rows", "Rows per batch").register(registry);
    batchTasks = summary("hyperstream.batch.tasks", "Tasks per batch").register(registry);
    sharedRatio =
        summary(
                "hyperstream.batch.shared.ratio",
                "Share of a batch's tokens that was known from a row with the same text and adapters")
            .register(registry);
    queueTime =
        timer("hyperstream.queue.time", "From the engine's queue to the start of the batch");
    deviceTime = timer("hyperstream.device.time", "One batch on the device");
    endToEnd =
        timer("hyperstream.end.to.end.latency", "From a request's arrival to its prediction");
    for (ErrorCode code : ErrorCode.values()) {
      deadLetters.put(
          code,
          Counter.builder("hyperstream.dead.letters")
              .description("Dead letters")
              .tag("code", code.name())
              .register(registry));
    }
  }

  Counter deadLetters(ErrorCode code) {
    return deadLetters.get(code);
  }

  /** Predictions of a task that have no label. */
  Counter abstained(String taskId) {
    Counter known = abstained.get(taskId);
    return known != null
        ? known
        : abstained.computeIfAbsent(
            abstained.size() < MAX_TASKS ? taskId : OTHER_TASKS,
            task ->
                Counter.builder("hyperstream.predictions.abstained")
                    .description("Predictions without a label: the score was below abstainBelow")
                    .tag("task", task)
                    .register(registry));
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  private static DistributionSummary.Builder summary(String name, String description) {
    return DistributionSummary.builder(name).description(description);
  }

  private Timer timer(String name, String description) {
    return Timer.builder(name)
        .description(description)
        .publishPercentileHistogram()
        .minimumExpectedValue(Duration.ofMillis(1))
        .maximumExpectedValue(Duration.ofMinutes(1))
        .register(registry);
  }
}
