package io.hyperstream.app.cli;

import io.hyperstream.model.bench.Opponent;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.tokenize.Tokenizer;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.Topics;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * What one would write in a day instead of this application, to measure it against: a loop around
 * Kafka's own consumer and producer and another program's encoder. What a poll returned is
 * tokenised, sorted by length, encoded in batches, answered by the label whose vector is nearest
 * and sent; when every answer is acknowledged, the offsets are committed: at least once. It answers
 * tasks of one text as the application does before it was taught, and nothing else: no versions, no
 * new tasks, no dead letters. One thread.
 */
final class PlainConsumer {
  private static final int BATCH_ROWS = 64;

  /** What cosines are multiplied with before they become probabilities, as in the application. */
  private static final double SCALE = 25;

  private record Task(io.hyperstream.model.task.TaskDefinition definition, float[][] labels) {}

  private record Row(ConsumerRecord<byte[], byte[]> record, InferenceRequest request, int[] ids) {}

  private final Consumer<byte[], byte[]> consumer;
  private final Producer<String, byte[]> producer;
  private final RecordCodec codec;
  private final Topics topics;
  private final Tokenizer tokenizer;
  private final int maxTokens;
  private final Opponent encoder;
  private final String modelId;
  private final Map<String, Task> tasks = new HashMap<>();

  /**
   * Encodes the labels. All but the definitions stays the caller's to close.
   *
   * @param consumer in a group; subscribed by the caller
   * @param maxTokens of a text; longer ones are cut
   */
  PlainConsumer(
      Consumer<byte[], byte[]> consumer,
      Producer<String, byte[]> producer,
      RecordCodec codec,
      Topics topics,
      Tokenizer tokenizer,
      int maxTokens,
      Opponent encoder,
      String modelId,
      Iterable<TaskDefinition> definitions) {
    this.consumer = consumer;
    this.producer = producer;
    this.codec = codec;
    this.topics = topics;
    this.tokenizer = tokenizer;
    this.maxTokens = maxTokens;
    this.encoder = encoder;
    this.modelId = modelId;
    for (TaskDefinition record : definitions) {
      var task = Definitions.toModel(record);
      tasks.put(task.taskId(), new Task(task, labels(task.labels())));
    }
  }

  /** A label means its words, and what is said of it if that is said of all. */
  private float[][] labels(List<Label> labels) {
    boolean described = labels.stream().allMatch(label -> label.description().isPresent());
    return encoder.encode(
        labels.stream()
            .map(
                label -> {
                  String words = label.verbalizer().replace('_', ' ');
                  return described ? words + ": " + label.description().orElseThrow() : words;
                })
            .map(text -> tokenizer.encode(text, maxTokens).ids())
            .toList());
  }

  /**
   * Answers what the next poll returns.
   *
   * @return how many requests
   * @throws ExecutionException if an answer was not acknowledged; nothing is committed then
   */
  int poll(Duration patience) throws InterruptedException, ExecutionException {
    List<Row> rows = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(patience)) {
      InferenceRequest request =
          codec.deserialize(record.topic(), record.value(), InferenceRequest.class);
      String text = task(request).definition().templateOf(false).render(request.getText(), "");
      rows.add(new Row(record, request, tokenizer.encode(text, maxTokens).ids()));
    }
    if (rows.isEmpty()) {
      return 0;
    }
    rows.sort(Comparator.comparingInt(row -> row.ids().length)); // less padding
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += BATCH_ROWS) {
      List<Row> batch = rows.subList(from, Math.min(rows.size(), from + BATCH_ROWS));
      float[][] vectors = encoder.encode(batch.stream().map(Row::ids).toList());
      for (int i = 0; i < vectors.length; i++) {
        sent.add(send(batch.get(i), vectors[i]));
      }
    }
    producer.flush();
    for (Future<RecordMetadata> acknowledged : sent) {
      acknowledged.get();
    }
    consumer.commitSync();
    return rows.size();
  }

  private Task task(InferenceRequest request) {
    Task task = tasks.get(request.getTaskId());
    if (task == null) {
      throw new IllegalStateException(
          "the plain consumer has no task '%s'; it knows those that were defined when it started"
              .formatted(request.getTaskId()));
    }
    return task;
  }

  private Future<RecordMetadata> send(Row row, float[] vector) {
    InferenceRequest request = row.request();
    Task task = task(request);
    double[] probabilities = probabilities(task.labels(), vector);
    List<LabelProbability> distribution = new ArrayList<>();
    int best = 0;
    for (int i = 0; i < probabilities.length; i++) {
      String label = task.definition().labels().get(i).name();
      distribution.add(new LabelProbability(label, (float) probabilities[i]));
      best = probabilities[i] > probabilities[best] ? i : best;
    }
    Prediction prediction =
        Prediction.newBuilder()
            .setRequestId(request.getRequestId())
            .setTaskId(request.getTaskId())
            .setKind(TaskKind.CLASSIFICATION)
            .setLabel(distribution.get(best).getLabel())
            .setScore((float) probabilities[best])
            .setDistribution(distribution)
            .setModelId(modelId)
            .setAttributes(request.getAttributes())
            .setCreatedAt(request.getCreatedAt())
            .setPredictedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    String topic = topics.predictions().name();
    return producer.send(
        new ProducerRecord<>(
            topic, Rendering.key(row.record()), codec.serialize(topic, prediction)));
  }

  /** Softmax of the cosines; all vectors have length 1. */
  private static double[] probabilities(float[][] labels, float[] vector) {
    double[] out = new double[labels.length];
    double sum = 0;
    for (int l = 0; l < labels.length; l++) {
      double cosine = 0;
      for (int i = 0; i < vector.length; i++) {
        cosine += (double) vector[i] * labels[l][i];
      }
      out[l] = Math.exp(SCALE * cosine); // at most e^25
      sum += out[l];
    }
    for (int l = 0; l < out.length; l++) {
      out[l] /= sum;
    }
    return out;
  }
}
