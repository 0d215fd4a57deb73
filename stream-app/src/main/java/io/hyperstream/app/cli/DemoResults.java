package io.hyperstream.app.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * What the demo sent, the answers, and their times. Every answer is compared with its request, so
 * that a lost or duplicated answer shows. Any thread.
 */
final class DemoResults {

  /** When a request was sent. */
  enum Phase {
    /** All at once: what the system can do. */
    BURST,
    /** At a steady rate below that: what one request has to wait. */
    PACED,
    /** The test sentences of the taught task, before it was taught. */
    BEFORE,
    /** Between its labels, to see a new version answer. */
    PROBE,
    /** The same test sentences, afterwards. */
    AFTER;

    private boolean isFirstPart() {
      return this == BURST || this == PACED;
    }
  }

  /**
   * A request.
   *
   * @param sentence empty for one that is bad on purpose
   * @param dueNanos when it was to be sent; latency counts from here, so that a sender that falls
   *     behind does not flatter the system
   */
  record Sent(Optional<DemoSentence> sentence, Phase phase, long dueNanos) {}

  /** An answer as it is shown. */
  record Answer(Sent sent, String label, float score, long latencyMicros) {
    boolean correct() {
      return sent.sentence().map(sentence -> sentence.label().equals(label)).orElse(false);
    }
  }

  /** A dead letter as it is shown. */
  record Refused(String code, String message) {}

  private static final long MAX_LATENCY_MICROS = TimeUnit.MINUTES.toMicros(10);

  private final Map<String, Sent> sent = new LinkedHashMap<>();
  private final Map<String, Answer> answers = new HashMap<>();
  private final Map<String, Refused> refused = new LinkedHashMap<>();
  private final Map<String, Long> firstAnswers = new HashMap<>();
  private final Histogram latency = new Histogram(MAX_LATENCY_MICROS, 3);
  private long duplicated;
  private long lastAnswerNanos;

  synchronized void sent(String requestId, Sent request) {
    if (sent.put(requestId, request) != null) {
      throw new IllegalArgumentException("the request " + requestId + " was already sent");
    }
  }

  /**
   * Notes a prediction.
   *
   * @param version of the task's adapters that answered
   * @return what to show; empty for a double, and for requests of someone else
   */
  synchronized Optional<Answer> predicted(
      String requestId, String label, float score, long version, long nowNanos) {
    Sent request = sent.get(requestId);
    if (request == null) {
      return Optional.empty();
    }
    if (isAnswered(requestId)) {
      duplicated++;
      return Optional.empty();
    }
    long micros = Math.max(0, TimeUnit.NANOSECONDS.toMicros(nowNanos - request.dueNanos()));
    Answer answer = new Answer(request, label, score, micros);
    answers.put(requestId, answer);
    lastAnswerNanos = nowNanos;
    request
        .sentence()
        .ifPresent(
            sentence -> firstAnswers.putIfAbsent(sentence.taskId() + "|" + version, nowNanos));
    if (request.phase() == Phase.PACED) {
      latency.recordValue(Math.min(micros, MAX_LATENCY_MICROS));
    }
    return Optional.of(answer);
  }

  /** Notes a dead letter; tells whether it is the first answer to a request of ours. */
  synchronized boolean deadLetter(String requestId, Refused letter, long nowNanos) {
    if (!sent.containsKey(requestId)) {
      return false;
    }
    if (isAnswered(requestId)) {
      duplicated++;
      return false;
    }
    refused.put(requestId, letter);
    lastAnswerNanos = nowNanos;
    return true;
  }

  synchronized boolean complete() {
    return answered() == sent.size();
  }

  synchronized int answered() {
    return answers.size() + refused.size();
  }

  synchronized int requests() {
    return sent.size();
  }

  synchronized long lastAnswerNanos() {
    return lastAnswerNanos;
  }

  /** When a version of a task's adapters answered for the first time; empty: not yet. */
  synchronized OptionalLong firstAnswerNanos(String taskId, long version) {
    Long nanos = firstAnswers.get(taskId + "|" + version);
    return nanos == null ? OptionalLong.empty() : OptionalLong.of(nanos);
  }

  /** Share of a phase's sentences answered with the right label; one without an answer is wrong. */
  synchronized double accuracy(Phase phase) {
    int all = 0;
    int right = 0;
    for (Map.Entry<String, Sent> request : sent.entrySet()) {
      if (request.getValue().phase() == phase) {
        all++;
        Answer answer = answers.get(request.getKey());
        right += answer != null && answer.correct() ? 1 : 0;
      }
    }
    return all == 0 ? 0 : (double) right / all;
  }

  synchronized List<Refused> refused() {
    return new ArrayList<>(refused.values());
  }

  /** The summary's figures; the times are the caller's. */
  synchronized DemoSummary summary(
      double throughputPerSecond,
      DemoSummary.Adaptation adaptation,
      Long peakMegabytes,
      long startMillis,
      long wallMillis) {
    return new DemoSummary(
        sent.size(),
        answers.size(),
        refused.size(),
        sent.size() - answered(),
        duplicated,
        accuracies(),
        throughputPerSecond,
        new DemoSummary.Latency(percentile(50), percentile(95), percentile(99)),
        adaptation,
        peakMegabytes,
        startMillis,
        wallMillis);
  }

  /**
   * Of the first part. Each sentence counts once, by its first phase: it is the same sentence in
   * the other.
   */
  private List<DemoSummary.TaskAccuracy> accuracies() {
    Map<String, int[]> counts = new LinkedHashMap<>();
    Map<DemoSentence, Boolean> counted = new HashMap<>();
    sent.forEach(
        (requestId, request) -> {
          if (!request.phase().isFirstPart()
              || request.sentence().isEmpty()
              || counted.put(request.sentence().get(), true) != null) {
            return;
          }
          int[] count =
              counts.computeIfAbsent(request.sentence().get().taskId(), task -> new int[2]);
          count[0]++;
          Answer answer = answers.get(requestId);
          count[1] += answer != null && answer.correct() ? 1 : 0;
        });
    List<DemoSummary.TaskAccuracy> accuracies = new ArrayList<>();
    counts.forEach(
        (taskId, count) ->
            accuracies.add(
                new DemoSummary.TaskAccuracy(taskId, count[0], (double) count[1] / count[0])));
    accuracies.sort(java.util.Comparator.comparing(DemoSummary.TaskAccuracy::taskId));
    return accuracies;
  }

  private double percentile(double percentile) {
    return latency.getTotalCount() == 0 ? 0 : latency.getValueAtPercentile(percentile) / 1000.0;
  }

  private boolean isAnswered(String requestId) {
    return answers.containsKey(requestId) || refused.containsKey(requestId);
  }
}
