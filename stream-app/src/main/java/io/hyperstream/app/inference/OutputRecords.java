package io.hyperstream.app.inference;

import io.hyperstream.app.inference.Outcome.Answered;
import io.hyperstream.app.inference.Outcome.Rejected;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.Label;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.api.Record;

/** Makes the records of the two output topics. Thread-safe. */
final class OutputRecords {
  /** A request too large for the dead letters: its value is left out, this says how long it was. */
  static final String VALUE_OMITTED = "hyperstream.value.omitted.bytes";

  private static final int MAX_MESSAGE_CHARS = 2_000;

  /** The message in UTF-8, the other headers we add, the batch's frame. */
  private static final int OUR_HEADERS_BYTES = 16 * 1024;

  private static final long BACK_OFF_MILLIS = 250;

  private final RecordCodec codec;
  private final String predictionsTopic;
  private final int maxPredictionBytes;
  private final int maxDeadValueBytes;
  private final String modelId;
  private final HeaderPolicy headerPolicy;
  private final Duration patience;

  /**
   * @param patience how long encoding waits for a registry that is down
   */
  OutputRecords(
      RecordCodec codec,
      Topics topics,
      String modelId,
      HeaderPolicy headerPolicy,
      Duration patience) {
    this.codec = codec;
    predictionsTopic = topics.predictions().name();
    // Headers and the batch's own frame need their place too.
    maxPredictionBytes = topics.predictions().maxRecordBytes() - headerPolicy.maxBytes() - 4 * 1024;
    maxDeadValueBytes =
        Math.max(
            topics.settings().requestLimitBytes(),
            topics.deadLetters().maxRecordBytes() - headerPolicy.maxBytes() - OUR_HEADERS_BYTES);
    this.modelId = modelId;
    this.headerPolicy = headerPolicy;
    this.patience = patience;
  }

  int maxPredictionBytes() {
    return maxPredictionBytes;
  }

  /**
   * The prediction's bytes. Its schema was looked up at the start, so the registry is not asked
   * again; if it must be and is down, this waits.
   */
  byte[] encode(Answered answered) {
    Prediction prediction = recordOf(answered);
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      try {
        return codec.serialize(predictionsTopic, prediction);
      } catch (RegistryUnavailableException e) {
        if (System.nanoTime() > deadline) {
          throw new StreamsException("the schema registry does not answer", e);
        }
        try {
          TimeUnit.MILLISECONDS.sleep(BACK_OFF_MILLIS);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new StreamsException("interrupted while the schema registry is down", e);
        }
      }
    }
  }

  Record<byte[], byte[]> prediction(Record<byte[], byte[]> request, byte[] encoded) {
    return request.withValue(encoded).withHeaders(headerPolicy.travelling(request.headers()));
  }

  /** The request as it is, with what is wrong with it in headers. */
  Record<byte[], byte[]> deadLetter(
      Record<byte[], byte[]> request, RawRequest raw, Rejected rejected) {
    Headers headers = headerPolicy.travelling(request.headers());
    add(headers, DeadLetterHeaders.ERROR_CODE, rejected.code().name());
    add(headers, DeadLetterHeaders.ERROR_MESSAGE, shortened(rejected));
    add(headers, DeadLetterHeaders.SOURCE_TOPIC, raw.partition().topic());
    add(headers, DeadLetterHeaders.SOURCE_PARTITION, Integer.toString(raw.partition().partition()));
    add(headers, DeadLetterHeaders.SOURCE_OFFSET, Long.toString(raw.offset()));
    if (raw.size() > maxDeadValueBytes) {
      add(headers, VALUE_OMITTED, Integer.toString(raw.size()));
      return request.withValue((byte[]) null).withHeaders(headers);
    }
    return request.withHeaders(headers);
  }

  private static String shortened(Rejected rejected) {
    String message = rejected.message() == null ? rejected.code().sentence() : rejected.message();
    return message.length() <= MAX_MESSAGE_CHARS
        ? message
        : message.substring(0, MAX_MESSAGE_CHARS) + "...";
  }

  private static void add(Headers headers, String name, String value) {
    headers.remove(name);
    headers.add(name, value.getBytes(StandardCharsets.UTF_8));
  }

  private Prediction recordOf(Answered answered) {
    InferenceRequest request = answered.request();
    TaskPrediction answer = answered.prediction();
    Prediction.Builder record =
        Prediction.newBuilder()
            .setRequestId(request.getRequestId())
            .setTaskId(request.getTaskId())
            .setKind(kindOf(answer))
            .setLabel(answer.label().orElse(null))
            .setText(answer.text().orElse(null))
            .setScore(answer.score())
            .setDistribution(distributionOf(answered.task().labels(), answer.distribution()))
            .setModelId(modelId)
            .setAdapterVersion(answer.adapterVersion())
            .setTruncated(answer.truncated())
            .setApproximate(answer.approximate())
            .setAttributes(request.getAttributes())
            .setCreatedAt(request.getCreatedAt())
            .setPredictedAt(answered.at());
    answer.value().ifPresent(record::setValue);
    return record.build();
  }

  private static TaskKind kindOf(TaskPrediction answer) {
    return switch (answer.kind()) {
      case CLASSIFICATION -> TaskKind.CLASSIFICATION;
      case REGRESSION -> TaskKind.REGRESSION;
      case GENERATION -> TaskKind.GENERATION;
    };
  }

  private static List<LabelProbability> distributionOf(List<Label> labels, float[] probabilities) {
    List<LabelProbability> distribution = new ArrayList<>(probabilities.length);
    for (int i = 0; i < probabilities.length; i++) {
      distribution.add(new LabelProbability(labels.get(i).name(), probabilities[i]));
    }
    return distribution;
  }
}
