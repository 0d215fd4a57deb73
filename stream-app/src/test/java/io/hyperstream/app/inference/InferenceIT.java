package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.streams.GroupProtocolChoice;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.TopicProvisioner;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("Inference on a broker")
@ExtendWith(SharedCluster.class)
class InferenceIT {
  @TempDir Path folder;

  /** What somebody sets to measure or trace. */
  public static final class AnotherInterceptor implements ConsumerInterceptor<byte[], byte[]> {
    static final AtomicInteger SEEN = new AtomicInteger();

    @Override
    public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
      SEEN.addAndGet(records.count());
      return records;
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void configure(Map<String, ?> configs) {}

    @Override
    public void close() {}
  }

  @Test
  @DisplayName("answers a backlog once each, in order per key, batched, without a prefetch miss")
  void backlog() throws Exception {
    try (AppFixture app = new AppFixture("backlog", folder)) {
      TestPredictor predictor = new TestPredictor().rowTakes(Duration.ofMillis(1));
      app.set(
          "streams.properties.main.consumer.interceptor.classes",
          AnotherInterceptor.class.getName());
      AnotherInterceptor.SEEN.set(0);
      app.define(AppFixture.task("mood", "good", "bad"));
      app.define(AppFixture.task("topic", "a", "b", "c"));
      for (int i = 0; i < 3_000; i++) {
        app.request(
            "k" + i % 17, AppFixture.request("r" + i, i % 3 == 0 ? "mood" : "topic", "text " + i));
      }
      app.flush();
      app.start(Optional.of(predictor));
      app.awaitAnswers(3_000, AppFixture.PATIENCE);

      Map<String, Integer> lastOfKey = new LinkedHashMap<>();
      Set<String> ids = new HashSet<>();
      for (ConsumerRecord<byte[], byte[]> record : app.predictionRecords()) {
        Prediction prediction = app.decode(record);
        int number = Integer.parseInt(prediction.getRequestId().substring(1));
        Integer before = lastOfKey.put(new String(record.key(), StandardCharsets.UTF_8), number);
        assertThat(before == null || before < number).isTrue();
        ids.add(prediction.getRequestId());
      }
      assertThat(ids).hasSize(3_000);
      assertThat(app.predictionRecords()).hasSize(3_000);
      assertThat(app.deadLetterRecords()).isEmpty();
      assertThat(app.count("hyperstream.prefetch.misses")).isZero();
      assertThat(AnotherInterceptor.SEEN).hasValue(3_000);
      double rows = predictor.batches().stream().mapToInt(List::size).average().orElseThrow();
      assertThat(rows).isGreaterThan(8);
    }
  }

  @Test
  @DisplayName("answers requests that are a year old by their time once each, across a restart")
  void timesOfLastYear() throws Exception {
    try (AppFixture app = new AppFixture("last-year", folder)) {
      int count = 600;
      long then = Instant.now().minus(Duration.ofDays(365)).toEpochMilli();
      app.configure(app.topics.requests(), "segment.ms", "100");
      app.configure(app.topics.predictions(), "segment.ms", "100");
      app.define(AppFixture.task("mood", "good", "bad"));
      for (int i = 0; i < count; i++) {
        byte[] value = app.encode(AppFixture.request("r" + i, "mood", "text " + i));
        byte[] key = ("k" + i % 17).getBytes(StandardCharsets.UTF_8);
        app.send(new ProducerRecord<>(app.topics.requests().name(), null, then + i, key, value));
      }
      app.flush();
      app.start(Optional.of(new TestPredictor().rowTakes(Duration.ofMillis(10))));
      app.awaitAnswers(50, AppFixture.PATIENCE);
      app.stop();
      app.readOutputs();
      assertThat(app.predictionRecords()).hasSizeLessThan(count);
      app.awaitRetention();
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(count, AppFixture.PATIENCE);
      assertThat(app.predictions())
          .extracting(Prediction::getRequestId)
          .doesNotHaveDuplicates()
          .hasSize(count);

      app.awaitRetention(); // answers are there to be read, too
      try (Admin admin = app.admin()) {
        Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
        for (int partition = 0; partition < app.topics.predictions().partitions(); partition++) {
          earliest.put(
              new TopicPartition(app.topics.predictions().name(), partition),
              OffsetSpec.earliest());
        }
        assertThat(admin.listOffsets(earliest).all().get().values())
            .allSatisfy(first -> assertThat(first.offset()).isZero());
      }
    }
  }

  @Test
  @DisplayName("dead-letters what a limit or the model refuses, whole, and goes on")
  void refusals() throws Exception {
    try (AppFixture app = new AppFixture("refusals", folder)) {
      app.set("limits.max-request-bytes", 20_000);
      String wide = "l".repeat(60_000); // a prediction repeats its labels, and has 105,536 bytes
      app.define(AppFixture.task("mood", "good", "bad"));
      app.define(AppFixture.task("wide", wide + "1", wide + "2"));
      Map<String, InferenceRequest.Builder> requests = new LinkedHashMap<>();
      requests.put("MODEL_ERROR", AppFixture.request("odd", "mood", "an odd text"));
      requests.put("REQUEST_TOO_LARGE", AppFixture.request("long", "mood", "w".repeat(30_000)));
      requests.put("PREDICTION_TOO_LARGE", AppFixture.request("wide", "wide", "text"));
      requests.values().forEach(request -> app.request("k", request));
      app.request("k", AppFixture.request("fine", "mood", "text"));
      app.flush();
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(requests.size() + 1, AppFixture.PATIENCE);

      assertThat(app.predictions()).extracting(Prediction::getRequestId).containsExactly("fine");
      assertThat(app.deadLetterRecords())
          .extracting(record -> AppFixture.header(record, DeadLetterHeaders.ERROR_CODE))
          .containsExactlyElementsOf(requests.keySet());
      assertThat(app.deadLetterRecords())
          .extracting(ConsumerRecord::value)
          .containsExactlyElementsOf(requests.values().stream().map(app::encode).toList());
    }
  }

  @Test
  @DisplayName("does not start with a model whose answers are no numbers, and says so")
  void notFinite() throws Exception {
    try (AppFixture app = new AppFixture("not-finite", folder)) {
      TestPredictor predictor = new TestPredictor().notFinite();
      assertThatThrownBy(() -> app.start(Optional.of(predictor)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the scores are not finite");
      int port = app.application().port();
      assertThat(get(port, "/health/readiness").statusCode()).isEqualTo(503);
      assertThat(get(port, "/health/readiness").body())
          .contains("failed: model " + TestPredictor.MODEL_ID + " does not answer");
      assertThat(get(port, "/health/liveness").statusCode()).isEqualTo(503);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"CLASSIC", "STREAMS"})
  @DisplayName("says which requests were removed unread and which are read again, and goes on")
  void lostPlaces(GroupProtocol protocol) throws Exception {
    String prefix = "lost-" + protocol.name().toLowerCase(Locale.ROOT);
    try (AppFixture app = new AppFixture(prefix, folder);
        Admin admin = app.admin()) {
      app.set("streams.group-protocol", protocol.name());
      app.set("streams.session-timeout", "6s");
      app.define(AppFixture.task("mood", "good", "bad"));
      requests(app, 0, 40);
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(40, AppFixture.PATIENCE);
      assertThat(ready(app)).doesNotContain("lost\"");
      app.stop();
      requests(app, 40, 80);
      Map<TopicPartition, RecordsToDelete> unread = new HashMap<>();
      long removed = 0;
      long kept = 0;
      Map<TopicPartition, Long> ends = ends(admin, app.topics.requests());
      Map<TopicPartition, OffsetAndMetadata> committed =
          admin.listConsumerGroupOffsets(prefix + "-app").partitionsToOffsetAndMetadata().get();
      for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
        long from = committed.get(end.getKey()).offset();
        long first = Math.max(from, end.getValue() - 2);
        unread.put(end.getKey(), RecordsToDelete.beforeOffset(first));
        removed += first - from;
        kept += end.getValue() - first;
      }
      assertThat(removed).isPositive();
      admin.deleteRecords(unread).all().get();
      app.start(Optional.of(new TestPredictor()));
      int answered = Math.toIntExact(40 + kept);
      app.awaitAnswers(answered, AppFixture.PATIENCE);
      assertThat(app.count("hyperstream.records.lost")).isEqualTo((double) removed);
      assertThat(app.count("hyperstream.offsets.lost")).isZero();
      assertThat(ready(app)).contains("\"UP\"", "were removed before they were read");

      app.stop();
      admin.deleteConsumerGroups(List.of(prefix + "-app")).all().get(); // as if expired
      app.start(Optional.of(new TestPredictor()));
      answered += Math.toIntExact(kept);
      app.awaitAnswers(answered, AppFixture.PATIENCE);
      assertThat(app.count("hyperstream.offsets.lost")).isPositive();
      assertThat(app.count("hyperstream.records.lost")).isZero();
      assertThat(ready(app)).contains("\"UP\"", "what was answered is answered again");

      app.stop();
      admin.deleteTopics(List.of(app.topics.requests().name())).all().get();
      new TopicProvisioner(admin, (short) 1).ensure(app.topics.all(), true, AppFixture.PATIENCE);
      requests(app, 80, 120);
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(answered + 40, AppFixture.PATIENCE);
      assertThat(app.count("hyperstream.offsets.lost")).isPositive();
      assertThat(ready(app)).contains("\"UP\"", "the topic was recreated");
    }
  }

  @Test
  @DisplayName("says that the requests' topic was recreated while it was read")
  void recreated() throws Exception {
    try (AppFixture app = new AppFixture("anew", folder);
        Admin admin = app.admin()) {
      app.set("streams.session-timeout", "3s");
      app.define(AppFixture.task("mood", "good", "bad"));
      requests(app, 0, 40);
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(40, AppFixture.PATIENCE);
      admin.deleteTopics(List.of(app.topics.requests().name())).all().get();
      new TopicProvisioner(admin, (short) 1).ensure(app.topics.all(), true, AppFixture.PATIENCE);
      requests(app, 40, 80);
      await().atMost(AppFixture.PATIENCE).until(() -> ready(app).contains("recreated"));
      assertThat(app.count("hyperstream.offsets.lost")).isPositive();
    }
  }

  private static void requests(AppFixture app, int from, int to) {
    for (int i = from; i < to; i++) {
      app.request("k" + i % 17, AppFixture.request("r" + i, "mood", "text " + i));
    }
    app.flush();
  }

  private static String ready(AppFixture app) throws Exception {
    return get(app.application().port(), "/health/readiness").body();
  }

  private static Map<TopicPartition, Long> ends(Admin admin, Topic topic) throws Exception {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    for (int partition = 0; partition < topic.partitions(); partition++) {
      latest.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
    }
    Map<TopicPartition, Long> ends = new HashMap<>();
    admin.listOffsets(latest).all().get().forEach((p, end) -> ends.put(p, end.offset()));
    return ends;
  }

  @Test
  @DisplayName("names partitions that nobody reads although the group is stable")
  void unserved() throws Exception {
    try (AppFixture app = new AppFixture("unserved", folder);
        Admin admin = app.admin()) {
      app.set("streams.session-timeout", "3s");
      app.set("streams.properties.main.consumer.metadata.max.age.ms", "300000");
      app.start(Optional.of(new TestPredictor()));
      String topic = app.topics.requests().name();
      // Its readers learn of them when they next ask for the topic's metadata.
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(6))).all().get();
      await().atMost(AppFixture.PATIENCE).until(() -> ready(app).contains("\"DOWN\""));
      assertThat(ready(app)).contains("nobody has read " + topic + "-4, " + topic + "-5 for more");
      app.stop();
      app.set("streams.properties.main.consumer.metadata.max.age.ms", "3000"); // the default
      app.start(Optional.of(new TestPredictor()));
      assertThat(ready(app)).contains("\"UP\"");
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(7))).all().get();
      app.define(AppFixture.task("mood", "good", "bad"));
      byte[] value = app.encode(AppFixture.request("r", "mood", "text"));
      app.send(new ProducerRecord<>(topic, 6, null, value));
      app.flush();
      app.awaitAnswers(1, AppFixture.PATIENCE);
    }
  }

  @Test
  @DisplayName("does not start with a topic that loses what is in it, and says how to fix it")
  void losingTopic() throws Exception {
    try (AppFixture app = new AppFixture("losing", folder)) {
      app.configure(app.topics.definitions(), "cleanup.policy", "delete");
      assertThatThrownBy(() -> app.start(Optional.of(new TestPredictor())))
          .hasMessageContaining("losing.task.definitions: cleanup.policy is 'delete'")
          .hasMessageContaining(
              "kafka-configs.sh --bootstrap-server "
                  + app.cluster().bootstrapServers()
                  + " --alter --entity-type topics --entity-name losing.task.definitions"
                  + " --add-config cleanup.policy=compact");
      assertThat(get(app.application().port(), "/health/readiness").body())
          .contains("losing.task.definitions: cleanup.policy is 'delete'");
    }
  }

  @Test
  @DisplayName("does not start with a model that is not there, and names those that are")
  void noSuchModel() throws Exception {
    try (AppFixture app = new AppFixture("no-model", folder)) {
      app.set("model.name", "nope");
      assertThatThrownBy(() -> app.start(Optional.empty()))
          .hasMessageStartingWith("nope: no such model in ");
      assertThat(get(app.application().port(), "/health/readiness").body())
          .contains("failed: nope: no such model in ")
          .doesNotContain("bean");
    }
  }

  @Test
  @DisplayName(
      "with the model that is served by default, an encoder, answers what nobody taught it")
  void encoder() throws Exception {
    try (AppFixture app = new AppFixture("encoder", folder)) {
      app.set("model.name", ShippedModel.DEFAULT);
      app.define(AppFixture.task("weather", "rain", "sunshine", "snow"));
      app.request("k", AppFixture.request("r", "weather", "It was pouring and we got wet."));
      app.flush();
      app.start(Optional.empty());
      app.awaitAnswers(1, AppFixture.PATIENCE);
      assertThat(app.predictions()).extracting(Prediction::getLabel).containsExactly("rain");
    }
  }

  @Test
  @DisplayName("shows health and metrics over HTTP")
  void http() throws Exception {
    try (AppFixture app = new AppFixture("http", folder)) {
      TestPredictor predictor = new TestPredictor();
      int port = app.start(Optional.of(predictor)).port();
      app.define(AppFixture.task("mood", "good", "bad"));
      app.request("k", AppFixture.request("r", "mood", "hello"));
      app.awaitAnswers(1, AppFixture.PATIENCE);

      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> get(port, "/health/readiness").statusCode() == 200);
      assertThat(get(port, "/health/liveness").statusCode()).isEqualTo(200);
      assertThat(get(port, "/health").body()).contains("\"UP\"").contains("running");
      assertThat(get(port, "/prometheus").body())
          .contains("hyperstream_requests_total 1.0")
          .contains("hyperstream_predictions_total 1.0")
          .contains("hyperstream_dead_letters_total{code=\"UNKNOWN_TASK\"")
          .contains("hyperstream_batch_rows_count")
          .contains("hyperstream_batch_shared_ratio")
          .contains("hyperstream_queue_time_seconds_count")
          .contains("hyperstream_device_time_seconds_count")
          .contains("hyperstream_end_to_end_latency_seconds_bucket")
          .contains("hyperstream_prefetch_misses_total 0.0")
          .contains("hyperstream_tasks_defined 1.0")
          .contains("kafka_stream");

      predictor.deviceDown(true);
      app.request("k", AppFixture.request("r2", "mood", "hello again"));
      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> get(port, "/health/readiness").statusCode() == 503);
      assertThat(get(port, "/health/readiness").body()).contains("the test device is down");
      assertThat(get(port, "/health/liveness").statusCode()).isEqualTo(200);
      predictor.deviceDown(false);
      app.awaitAnswers(2, AppFixture.PATIENCE);
      assertThat(app.predictionRecords()).hasSize(2);
      assertThat(get(port, "/health/readiness").statusCode()).isEqualTo(200);
    }
  }

  @Test
  @DisplayName("uses the classic protocol where configured or where the group does")
  void groupProtocols() throws Exception {
    try (AppFixture app = new AppFixture("classic", folder);
        Admin admin = app.admin()) {
      GroupProtocolChoice choice = new GroupProtocolChoice(admin);
      assertThat(choice.of(GroupProtocol.AUTO, "classic-app")).isEqualTo(GroupProtocol.STREAMS);
      app.set("streams.group-protocol", "classic").set("streams.guarantee", "at_least_once");
      app.define(AppFixture.task("mood", "good", "bad"));
      for (int i = 0; i < 500; i++) {
        app.request("k" + i, AppFixture.request("r" + i, "mood", "text " + i));
      }
      app.flush();
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(500, AppFixture.PATIENCE);
      assertThat(app.predictions())
          .extracting(Prediction::getRequestId)
          .doesNotHaveDuplicates()
          .hasSize(500);
      assertThat(app.count("hyperstream.prefetch.misses")).isZero();
      assertThat(choice.of(GroupProtocol.AUTO, "classic-app")).isEqualTo(GroupProtocol.CLASSIC);
      assertThat(choice.of(GroupProtocol.STREAMS, "classic-app")).isEqualTo(GroupProtocol.STREAMS);

      app.stop();
      assertThat(choice.of(GroupProtocol.AUTO, "classic-app")).isEqualTo(GroupProtocol.STREAMS);
      app.set("streams.group-protocol", "auto");
      app.request("k", AppFixture.request("later", "mood", "text"));
      app.start(Optional.of(new TestPredictor()));
      app.awaitAnswers(501, AppFixture.PATIENCE);
      assertThat(app.predictions().get(500).getRequestId()).isEqualTo("later");
    }
  }

  @Test
  @DisplayName("starts over from the last commit when the device is down for longer than it waits")
  void startsOver() throws Exception {
    try (AppFixture app = new AppFixture("start-over", folder)) {
      app.set("engine.join-deadline", "3s");
      TestPredictor predictor = new TestPredictor().rowTakes(Duration.ofMillis(5));
      app.define(AppFixture.task("mood", "good", "bad"));
      app.start(Optional.of(predictor));
      for (int i = 0; i < 600; i++) {
        app.request("k" + i, AppFixture.request("r" + i, "mood", "text " + i));
      }
      app.flush();
      app.awaitAnswers(50, AppFixture.PATIENCE);
      predictor.deviceDown(true);
      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> app.count("hyperstream.thread.failures") >= 2);
      predictor.deviceDown(false);
      app.awaitAnswers(600, AppFixture.PATIENCE);
      assertThat(app.predictions())
          .extracting(Prediction::getRequestId)
          .doesNotHaveDuplicates()
          .hasSize(600);
      assertThat(app.deadLetterRecords()).isEmpty();
    }
  }

  static HttpResponse<String> get(int port, String path) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
            HttpResponse.BodyHandlers.ofString());
  }
}
