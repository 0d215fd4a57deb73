package io.hyperstream.app.faults;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * An endless, reproducible sequence of requests: the demo's sentences over its ten tasks, with
 * requests among them that can never be answered. Request {@code n} depends on the seed and {@code
 * n} only, and on whether it lies in a burst of poison.
 */
final class Traffic {
  private static final String SENTENCES = "/io/hyperstream/app/cli/demo/sentences.tsv";
  private static final int KEYS = 64;

  private final List<Sentence> sentences = sentences();
  private final long seed;
  private final NavigableMap<Integer, Integer> bursts = new ConcurrentSkipListMap<>();

  private record Sentence(String taskId, String text, Optional<String> textPair, String label) {}

  /** What a request is made to become. */
  enum Expected {
    ANSWERED(Optional.empty()),
    UNKNOWN_TASK(Optional.of(ErrorCode.UNKNOWN_TASK)),
    EMPTY_TEXT(Optional.of(ErrorCode.EMPTY_TEXT)),
    UNDECODABLE(Optional.of(ErrorCode.UNDECODABLE)),
    TOMBSTONE(Optional.of(ErrorCode.UNDECODABLE));

    private final Optional<ErrorCode> code;

    Expected(Optional<ErrorCode> code) {
      this.code = code;
    }

    /** The dead letter's code; empty for a prediction. */
    Optional<ErrorCode> code() {
      return code;
    }
  }

  /**
   * One request.
   *
   * @param id unique, also in the record's header, because poison does not show it otherwise
   * @param key null for a record without a key
   */
  record Request(
      int number,
      String id,
      String key,
      Expected expected,
      String taskId,
      String text,
      Optional<String> textPair) {

    /** The record's value; null for a tombstone. */
    byte[] encode(RecordCodec codec, String topic) {
      byte[] value =
          codec.serialize(
              topic,
              InferenceRequest.newBuilder()
                  .setRequestId(id)
                  .setTaskId(taskId)
                  .setText(text)
                  .setTextPair(textPair.orElse(null))
                  .setAttributes(Map.of("number", Integer.toString(number)))
                  .setCreatedAt(Instant.ofEpochMilli(1_700_000_000_000L + number))
                  .build());
      return switch (expected) {
        case TOMBSTONE -> null;
        case UNDECODABLE ->
            number % 2 == 0
                ? ("not Avro: " + id).getBytes(StandardCharsets.UTF_8)
                : Arrays.copyOf(value, value.length / 2);
        default -> value;
      };
    }
  }

  Traffic(long seed) {
    this.seed = seed;
  }

  /** Makes poison of requests that were not asked for yet: numbers from, to this one exclusive. */
  void poison(int from, int to) {
    bursts.put(from, to);
  }

  private boolean isInBurst(int number) {
    Map.Entry<Integer, Integer> burst = bursts.floorEntry(number);
    return burst != null && number < burst.getValue();
  }

  /** The id of a request. */
  static String id(int number) {
    return "r-" + number;
  }

  Request request(int number) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + number);
    Sentence sentence = sentences.get(random.nextInt(sentences.size()));
    int draw = random.nextInt(isInBurst(number) ? 7 : 100);
    Expected expected =
        switch (draw) {
          case 0, 1 -> Expected.UNKNOWN_TASK;
          case 2, 3 -> Expected.EMPTY_TEXT;
          case 4, 5 -> Expected.UNDECODABLE;
          case 6 -> Expected.TOMBSTONE;
          default -> Expected.ANSWERED;
        };
    return new Request(
        number,
        id(number),
        random.nextInt(20) == 0 ? null : "key-" + random.nextInt(KEYS),
        expected,
        expected == Expected.UNKNOWN_TASK ? "nobody-defined-this" : sentence.taskId,
        expected == Expected.EMPTY_TEXT ? " \t" : sentence.text,
        sentence.textPair);
  }

  /** A definition for every task of the sentences. */
  List<TaskDefinition> tasks() {
    Map<String, Set<String>> labels = new LinkedHashMap<>();
    for (Sentence sentence : sentences) {
      labels.computeIfAbsent(sentence.taskId, taskId -> new LinkedHashSet<>()).add(sentence.label);
    }
    List<TaskDefinition> tasks = new ArrayList<>();
    labels.forEach(
        (taskId, names) ->
            tasks.add(
                TaskDefinition.newBuilder()
                    .setTaskId(taskId)
                    .setKind(TaskKind.CLASSIFICATION)
                    .setLabels(names.stream().map(name -> new TaskLabel(name, null, null)).toList())
                    .build()));
    return tasks;
  }

  private static List<Sentence> sentences() {
    try (InputStream in = Traffic.class.getResourceAsStream(SENTENCES)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(1)
          .map(line -> line.split("\t", -1))
          .map(c -> new Sentence(c[0], c[1], Optional.of(c[2]).filter(p -> !p.isEmpty()), c[3]))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
