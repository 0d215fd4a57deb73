package io.hyperstream.app.adaptation;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.schemas.AdaptationOutcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;

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
  private final ConcurrentMap<String, AtomicReference<Double>> accuracies =
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

  /** The share of a task's latest examples that was predicted right before their labels counted. */
  void recentAccuracy(String taskId, double value) {
    AtomicReference<Double> known = accuracies.get(taskId);
    if (known == null && accuracies.size() < MAX_TASKS) {
      AtomicReference<Double> created = new AtomicReference<>(value);
      known = accuracies.putIfAbsent(taskId, created);
      if (known == null) {
        registry.gauge(
            "hyperstream.prequential.accuracy", Tags.of("task", taskId), created, a -> a.get());
      }
    }
    if (known != null) {
      known.set(value);
    }
  }
}
