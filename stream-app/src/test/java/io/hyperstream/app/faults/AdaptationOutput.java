package io.hyperstream.app.faults;

import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** Reads what adaptation has committed: versions, reports, and the predictions they led to. */
final class AdaptationOutput implements AutoCloseable {
  private final Topics topics;
  private final RecordCodec codec;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<AdapterVersion> versions = new ArrayList<>();
  private final Map<String, AdapterVersion> served = new HashMap<>();
  private final List<AdaptationReport> reports = new ArrayList<>();
  private final Map<String, Prediction> predictions = new HashMap<>();
  private final Predicate<String> requested;
  private int deadLetters;

  /**
   * @param requested whether the prediction on a request, by its id, is kept
   */
  AdaptationOutput(
      Topics topics, RecordCodec codec, String bootstrapServers, Predicate<String> requested) {
    this.requested = requested;
    this.topics = topics;
    this.codec = codec;
    consumer =
        SharedCluster.reader(
            bootstrapServers,
            Stream.of(
                    topics.adapters(),
                    topics.adapterVersions(),
                    topics.reports(),
                    topics.predictions(),
                    topics.deadLetters())
                .map(Topic::name)
                .toList());
  }

  /** Reads what was committed since, for a second at most; says whether that was all. */
  boolean read() {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
    ConsumerRecords<byte[], byte[]> records;
    do {
      records = consumer.poll(Duration.ofMillis(50));
      records.forEach(this::add);
    } while (!records.isEmpty() && System.nanoTime() < until);
    return consumer.endOffsets(consumer.assignment()).entrySet().stream()
        .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
  }

  private void add(ConsumerRecord<byte[], byte[]> record) {
    String topic = record.topic();
    if (topic.equals(topics.deadLetters().name())) {
      String source = AppFixture.header(record, DeadLetterHeaders.SOURCE_TOPIC);
      deadLetters += topics.requests().name().equals(source) ? 0 : 1;
    } else if (topic.equals(topics.reports().name())) {
      reports.add(codec.deserialize(topic, record.value(), AdaptationReport.class));
    } else if (topic.equals(topics.predictions().name())) {
      String id = AppFixture.header(record, Load.ID_HEADER);
      if (id != null && requested.test(id)) {
        Prediction prediction = codec.deserialize(topic, record.value(), Prediction.class);
        predictions.putIfAbsent(prediction.getRequestId(), prediction);
      }
    } else if (record.value() != null) {
      AdapterVersion version = codec.deserialize(topic, record.value(), AdapterVersion.class);
      if (topic.equals(topics.adapters().name())) {
        served.put(version.getTaskId(), version);
      } else {
        versions.add(version);
      }
    } else if (topic.equals(topics.adapters().name())) {
      String key = new String(record.key(), StandardCharsets.UTF_8);
      served.remove(key.substring(key.indexOf('|') + 1));
    }
  }

  /** Numbers of all versions of a task, in the order of their publication. */
  List<Long> versions(String taskId) {
    return versions.stream()
        .filter(version -> version.getTaskId().equals(taskId))
        .map(AdapterVersion::getVersion)
        .toList();
  }

  int versions() {
    return versions.size();
  }

  Optional<Long> served(String taskId) {
    return Optional.ofNullable(served.get(taskId)).map(AdapterVersion::getVersion);
  }

  /** Numbers that reports say were published, in the order of the reports. */
  List<Long> promotions(String taskId) {
    return reports.stream()
        .filter(report -> report.getTaskId().equals(taskId))
        .filter(report -> report.getOutcome() == AdaptationOutcome.PROMOTED)
        .map(AdaptationReport::getPublishedVersion)
        .toList();
  }

  Optional<AdaptationReport> reportOn(String commandId) {
    return reports.stream().filter(report -> commandId.equals(report.getCommandId())).findFirst();
  }

  boolean hasReportSince(Instant moment) {
    return reports.stream().anyMatch(report -> report.getFinishedAt().isAfter(moment));
  }

  Optional<Prediction> prediction(String requestId) {
    return Optional.ofNullable(predictions.get(requestId));
  }

  int reports() {
    return reports.size();
  }

  /**
   * Dead letters of labels, commands and definitions; those of requests are in {@link
   * OutputReader}.
   */
  int deadLetters() {
    return deadLetters;
  }

  @Override
  public void close() {
    consumer.close();
  }
}
