package io.hyperstream.app.adaptation;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.model.task.Accuracy;
import io.hyperstream.schemas.AdaptationOutcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleFunction;

/**
 * The meters of the adaptation topology. Thread-safe. Counts are told when they happen, so after an
 * aborted transaction they happen again; what is exact is in the reports.
 */
public final class AdaptationMetrics {
  /** Tasks whose running accuracy is a metric of their own; the others have only their reports. */
  static final int MAX_TASKS = 1_000;

  final MeterRegistry registry;
  final Counter labels;
  final Counter duplicateLabels;
  final Counter duplicateRequests;
  final Counter invalidDefinitions;
  final Counter untestedExamples;
  final Counter trainingRetries;
  private final ConcurrentMap<String, AtomicReference<Accuracy>> accuracies =
      new ConcurrentHashMap<>();

  public AdaptationMetrics(MeterRegistry registry) {
    this.registry = registry;
    labels = counter("hyperstream.labels", "Labels taken into a task's examples");
    duplicateLabels =
        counter("hyperstream.labels.duplicates", "Labels that said what was known already");
    duplicateRequests =
        counter("hyperstream.labels.duplicate.requests", "Requests whose id was taken already");
    invalidDefinitions =
        counter("hyperstream.adaptation.definitions.invalid", "Definitions adaptation ignored");
    trainingRetries = Retries.counter(registry, "training");
    untestedExamples =
        counter(
            "hyperstream.adaptation.examples.untested",
            "Examples evicted before they were tested: too many waited");
    // From the start: what appears with its first event has not increased, and no alert goes off.
    for (AdaptationOutcome outcome : AdaptationOutcome.values()) {
      reports(outcome);
    }
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  Counter deadLetters(ErrorCode code) {
    return Counter.builder("hyperstream.dead.letters")
        .description("Dead letters")
        .tag("code", code.name())
        .register(registry);
  }

  Counter reports(AdaptationOutcome outcome) {
    return Counter.builder("hyperstream.adaptations")
        .description("Reports, by outcome")
        .tag("outcome", outcome.name())
        .register(registry);
  }

  /**
   * How many of the latest labels the version that serves predicted right before they counted.
   *
   * @param recent one byte each, 1 for right
   */
  void recentAccuracy(String taskId, byte[] recent) {
    long right = 0;
    for (byte one : recent) {
      right += one;
    }
    Accuracy value = new Accuracy(right, recent.length);
    AtomicReference<Accuracy> known = accuracies.get(taskId);
    if (known == null && recent.length > 0 && accuracies.size() < MAX_TASKS) {
      AtomicReference<Accuracy> created = new AtomicReference<>(value);
      known = accuracies.putIfAbsent(taskId, created);
      if (known == null) {
        gauge("hyperstream.prequential.accuracy", taskId, created, Accuracy::share);
        gauge("hyperstream.prequential.accuracy.low", taskId, created, Accuracy::low);
        gauge("hyperstream.prequential.accuracy.high", taskId, created, Accuracy::high);
        gauge("hyperstream.prequential.labels", taskId, created, Accuracy::of);
      }
    }
    if (known != null) {
      known.set(value);
    }
  }

  private void gauge(
      String name, String taskId, AtomicReference<Accuracy> of, ToDoubleFunction<Accuracy> value) {
    registry.gauge(name, Tags.of("task", taskId), of, it -> value.applyAsDouble(it.get()));
  }
}
