package io.hyperstream.app.faults;

import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the committed output says about the requests that were sent.
 *
 * @param requests sent
 * @param predictions in the output
 * @param deadLetters in the output
 * @param lost requests without an answer
 * @param duplicated requests with several
 * @param unexpected answers to what was never asked, or was asked in an aborted transaction
 * @param misordered answers that overtook an earlier request of their key
 * @param wrong answers that are not the request's: other task, code, bytes, headers, or other
 *     probabilities than the same text got elsewhere
 */
record ExactlyOnceResult(
    int requests,
    long predictions,
    long deadLetters,
    List<String> lost,
    List<String> duplicated,
    List<String> unexpected,
    List<String> misordered,
    List<String> wrong) {
  private static final int SHOWN = 20;

  /** Batches differ in shape, so sums round differently; another text's answer is far off. */
  private static final double SAME = 1e-3;

  boolean isExactlyOnce() {
    return lost.isEmpty()
        && duplicated.isEmpty()
        && unexpected.isEmpty()
        && misordered.isEmpty()
        && wrong.isEmpty()
        && predictions + deadLetters == requests;
  }

  static ExactlyOnceResult of(
      Traffic traffic,
      int sent,
      List<OutputReader.Entry> entries,
      RecordCodec codec,
      String requestsTopic) {
    Map<String, Traffic.Request> requests = new HashMap<>();
    for (int number = 0; number < sent; number++) {
      Traffic.Request request = traffic.request(number);
      requests.put(request.id(), request);
    }
    Map<String, Integer> times = new HashMap<>();
    Map<String, Integer> newestOfKey = new HashMap<>();
    Answers answers = new Answers(traffic.tasks());
    List<String> unexpected = new ArrayList<>();
    List<String> misordered = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (OutputReader.Entry entry : entries) {
      Traffic.Request request = requests.get(entry.id());
      if (request == null) {
        unexpected.add(entry.toString());
        continue;
      }
      times.merge(entry.id(), 1, Integer::sum);
      answers
          .fault(request, entry, request.encode(codec, requestsTopic))
          .ifPresent(fault -> wrong.add(entry + ": " + fault));
      if (request.key() != null) {
        String lane = entry.record().topic() + " " + request.key();
        Integer newest = newestOfKey.put(lane, request.number());
        if (newest != null && newest > request.number()) {
          misordered.add(entry + " after r-" + newest + " of " + request.key());
        }
      }
    }
    return new ExactlyOnceResult(
        sent,
        entries.stream().filter(entry -> entry.prediction().isPresent()).count(),
        entries.stream().filter(entry -> entry.prediction().isEmpty()).count(),
        requests.keySet().stream().filter(id -> !times.containsKey(id)).sorted().toList(),
        times.keySet().stream().filter(id -> times.get(id) > 1).sorted().toList(),
        unexpected,
        misordered,
        wrong);
  }

  /** Checks answers one by one, and against those the same text got before. */
  private static final class Answers {
    private final Map<String, List<String>> labels = new HashMap<>();
    private final Map<String, List<LabelProbability>> earlier = new HashMap<>();

    Answers(List<TaskDefinition> tasks) {
      for (TaskDefinition task : tasks) {
        labels.put(task.getTaskId(), task.getLabels().stream().map(TaskLabel::getName).toList());
      }
    }

    Optional<String> fault(Traffic.Request request, OutputReader.Entry entry, byte[] sent) {
      byte[] key = request.key() == null ? null : request.key().getBytes(StandardCharsets.UTF_8);
      if (!Arrays.equals(entry.record().key(), key)) {
        return Optional.of("the key is not the request's");
      }
      String trace = Load.traceparent(request);
      if (!entry.header(DeadLetterHeaders.TRACEPARENT).equals(Optional.of(trace))) {
        return Optional.of("the trace context is not the request's");
      }
      String expected = request.expected().code().map(Enum::name).orElse("a prediction");
      String actual = entry.prediction().isPresent() ? "a prediction" : entry.code();
      if (!expected.equals(actual)) {
        return Optional.of(
            "expected "
                + expected
                + ", got "
                + actual
                + entry.header(DeadLetterHeaders.ERROR_MESSAGE).map(m -> ": " + m).orElse(""));
      }
      return entry.prediction().isPresent()
          ? fault(request, entry.prediction().get())
          : Optional.of("the bytes are not the request's")
              .filter(fault -> !Arrays.equals(entry.record().value(), sent));
    }

    private Optional<String> fault(Traffic.Request request, Prediction prediction) {
      if (!prediction.getRequestId().equals(request.id())
          || !prediction.getTaskId().equals(request.taskId())
          || !Integer.toString(request.number()).equals(prediction.getAttributes().get("number"))) {
        return Optional.of("another request's: " + prediction);
      }
      List<LabelProbability> now = prediction.getDistribution();
      if (!now.stream()
          .map(LabelProbability::getLabel)
          .toList()
          .equals(labels.get(request.taskId()))) {
        return Optional.of("not the task's labels: " + prediction);
      }
      String question = request.taskId() + "\t" + request.text() + "\t" + request.textPair();
      List<LabelProbability> before = earlier.putIfAbsent(question, now);
      for (int i = 0; before != null && i < now.size(); i++) {
        if (Math.abs(now.get(i).getProbability() - before.get(i).getProbability()) > SAME) {
          return Optional.of("other probabilities than before: " + now + ", " + before);
        }
      }
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return "%d requests, %d predictions, %d dead letters; lost %s; duplicated %s; unexpected %s; out of order %s; wrong %s"
        .formatted(
            requests,
            predictions,
            deadLetters,
            shown(lost),
            shown(duplicated),
            shown(unexpected),
            shown(misordered),
            shown(wrong));
  }

  private static String shown(List<String> ids) {
    return ids.size() <= SHOWN
        ? ids.size() + " " + ids
        : ids.size() + " " + ids.subList(0, SHOWN) + " and more";
  }
}
