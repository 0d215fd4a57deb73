package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotCandidate;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrainer;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskDefinition;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The starter model on a broker")
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StarterModelIT {
  @TempDir static Path folder;

  private AppFixture app;
  private int port;
  private int expected; // answers since the start

  @BeforeAll
  void start() throws Exception {
    app = new AppFixture("starter", folder);
    app.define(AppFixture.task("pros_cons", "pros", "cons"));
    app.define(AppFixture.task("davidson_hate", "hate speech", "offensive language", "neither"));
    app.define(
        AppFixture.task("mams_acsa", "positive", "neutral", "negative")
            .setTemplate("sentence: {text} aspect: {textPair}"));
    port = app.start(Optional.empty()).port();
  }

  @AfterAll
  void stop() throws Exception {
    app.close();
  }

  private void awaitAnswers(int more) {
    expected += more;
    app.awaitAnswers(expected, AppFixture.PATIENCE);
  }

  private Prediction prediction(String id) {
    return app.predictions().stream()
        .filter(p -> p.getRequestId().equals(id))
        .reduce(
            (a, b) -> {
              throw new AssertionError("answered twice: " + id);
            })
        .orElseThrow(() -> new AssertionError("no prediction for " + id + why()));
  }

  private String why() {
    return app.deadLetterRecords().stream()
        .map(r -> AppFixture.header(r, DeadLetterHeaders.ERROR_MESSAGE))
        .toList()
        .toString();
  }

  private ConsumerRecord<byte[], byte[]> lastDeadLetter() {
    return app.deadLetterRecords().get(app.deadLetterRecords().size() - 1);
  }

  private void assertLastDeadLetter(String code) {
    assertThat(AppFixture.header(lastDeadLetter(), DeadLetterHeaders.ERROR_CODE)).isEqualTo(code);
  }

  @Test
  @DisplayName("answers mixed tasks once each, in order per key, with attributes and trace context")
  void mixedTasks() {
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    long start = System.currentTimeMillis();
    int before = app.predictionRecords().size();
    for (int i = 0; i < 300; i++) {
      var request =
          switch (i % 3) {
            case 0 -> AppFixture.request("m" + i, "pros_cons", "battery lasts for days " + i);
            case 1 -> AppFixture.request("m" + i, "davidson_hate", "what a lovely morning " + i);
            default ->
                AppFixture.request("m" + i, "mams_acsa", "The soup was cold but cheap " + i)
                    .setTextPair(i % 2 == 0 ? "food" : "price");
          };
      byte[] value = app.encode(request.setAttributes(Map.of("line", "" + i)));
      var record =
          new ProducerRecord<>(
              app.topics.requests().name(),
              null,
              1_700_000_000_000L + i,
              ("k" + i % 7).getBytes(StandardCharsets.UTF_8),
              value);
      record.headers().add("traceparent", trace.getBytes(StandardCharsets.UTF_8));
      app.send(record);
    }
    awaitAnswers(300);
    Map<String, Integer> lastOfKey = new LinkedHashMap<>();
    Set<String> ids = new HashSet<>();
    List<ConsumerRecord<byte[], byte[]>> records = app.predictionRecords();
    for (ConsumerRecord<byte[], byte[]> record : records.subList(before, records.size())) {
      Prediction prediction = app.decode(record);
      int number = Integer.parseInt(prediction.getRequestId().substring(1));
      Integer previous = lastOfKey.put(new String(record.key(), StandardCharsets.UTF_8), number);
      assertThat(previous == null || previous < number).isTrue();
      assertThat(prediction.getAttributes()).containsEntry("line", "" + number);
      assertThat(AppFixture.header(record, "traceparent")).isEqualTo(trace);
      assertThat(record.timestamp()).isBetween(start, System.currentTimeMillis());
      assertThat(prediction.getDistribution().stream().mapToDouble(d -> d.getProbability()).sum())
          .isBetween(0.999, 1.001);
      ids.add(prediction.getRequestId());
    }
    assertThat(ids).hasSize(300);
    assertThat(app.count("hyperstream.prefetch.misses")).isZero();
  }

  @Test
  @DisplayName("answers as the model card says")
  void sensible() {
    app.request("k", AppFixture.request("good", "pros_cons", "great battery life, light, fast"));
    app.request("k", AppFixture.request("bad", "pros_cons", "too heavy, breaks easily, slow"));
    awaitAnswers(2);
    assertThat(prediction("good").getLabel()).isEqualTo("pros");
    assertThat(prediction("bad").getLabel()).isEqualTo("cons");
    assertThat(prediction("good").getModelId()).isEqualTo(app.predictor().modelId());
  }

  @Test
  @DisplayName("serves a task that was defined just before, and no longer once it is retired")
  void defineThenSend() {
    for (int i = 0; i < 5; i++) {
      app.define(AppFixture.task("new-" + i, "yes", "no"));
      app.request("k", AppFixture.request("n" + i, "new-" + i, "does it work at once?"));
      awaitAnswers(1);
      assertThat(prediction("n" + i).getTaskId()).isEqualTo("new-" + i);
    }
    app.send(app.topics.definitions().name(), "new-0", null);
    app.flush();
    await()
        .atMost(AppFixture.PATIENCE)
        .until(
            () -> {
              app.request("k", AppFixture.request("gone", "new-0", "and now?"));
              awaitAnswers(1);
              return !app.deadLetterRecords().isEmpty()
                  && "UNKNOWN_TASK"
                      .equals(AppFixture.header(lastDeadLetter(), DeadLetterHeaders.ERROR_CODE));
            });
  }

  @Test
  @DisplayName("serves a task defined after a request for it was refused")
  void negativeResultsDoNotStick() {
    app.request("k", AppFixture.request("too-early", "eager", "text"));
    awaitAnswers(1);
    assertLastDeadLetter("UNKNOWN_TASK");
    app.define(AppFixture.task("eager", "yes", "no"));
    app.request("k", AppFixture.request("in-time", "eager", "text"));
    awaitAnswers(1);
    assertThat(prediction("in-time").getTaskId()).isEqualTo("eager");
  }

  @Test
  @DisplayName("dead-letters each kind of bad request and goes on")
  void deadLetters() {
    TaskDefinition.Builder strict =
        AppFixture.task("strict", "yes", "no").setOverLength(OverLengthPolicy.REJECT);
    app.define(strict);
    app.define(AppFixture.task("broken", "only one"));
    expectDeadLetter("UNKNOWN_TASK", AppFixture.request("d1", "no-such-task", "text"));
    expectDeadLetter("INVALID_TASK", AppFixture.request("d2", "broken", "text"));
    expectDeadLetter("EMPTY_TEXT", AppFixture.request("d3", "pros_cons", "   "));
    expectDeadLetter("TEXT_TOO_LONG", AppFixture.request("d4", "strict", "word ".repeat(500)));
    expectDeadLetter("TEXT_TOO_LONG", AppFixture.request("d5", "pros_cons", "w".repeat(100_001)));
    expectDeadLetter("MISSING_TEXT_PAIR", AppFixture.request("d6", "mams_acsa", "no aspect"));
    expectDeadLetter("INVALID_REQUEST", AppFixture.request("", "pros_cons", "no id"));
    byte[] garbage = {1, 2, 3};
    app.send(app.topics.requests().name(), "k", garbage);
    awaitAnswers(1);
    assertLastDeadLetter("UNDECODABLE");
    assertThat(lastDeadLetter().value()).isEqualTo(garbage);
    app.send(app.topics.requests().name(), "k", null);
    awaitAnswers(1);
    assertLastDeadLetter("UNDECODABLE");

    app.request("k", AppFixture.request("after", "pros_cons", "word ".repeat(500)));
    awaitAnswers(1);
    assertThat(prediction("after").getTruncated()).isTrue();
  }

  private void expectDeadLetter(
      String code, io.hyperstream.schemas.InferenceRequest.Builder request) {
    byte[] value = app.encode(request);
    app.send(app.topics.requests().name(), "k", value);
    awaitAnswers(1);
    assertLastDeadLetter(code);
    assertThat(lastDeadLetter().value()).isEqualTo(value);
  }

  @Test
  @DisplayName("serves an adapter version once it is published, and says which one answered")
  void adapterVersion() {
    Predictor model = app.predictor();
    publish(model.modelId(), 3, Collections.nCopies(64, 0.25f));
    publish("another-model", 9, Collections.nCopies(64, 0.5f));
    awaitAnswerBy(3, "davidson_hate", "a text");
  }

  @Test
  @DisplayName("answers by a version of each form as it was judged")
  void adapted() throws Exception {
    var task =
        io.hyperstream.model.task.TaskDefinition.classification(
            "things", List.of("animal", "vehicle"));
    app.define(AppFixture.task("things", "animal", "vehicle"));
    FileModelStore store = new FileModelStore(folder.resolve("models"));
    List<Example> examples =
        List.of(
            Example.of("it has four legs and a tail", "animal"),
            Example.of("the calf was born in spring", "animal"),
            Example.of("its engine needs oil", "vehicle"),
            Example.of("four wheels and a broken lamp", "vehicle"));
    List<Example> asked = List.of(Example.of("the engine and its wheels", "vehicle"));
    try (FewShotModel model = FewShotModel.open(store.load(app.predictor().modelId()))) {
      FewShotTrainer trainer = new FewShotTrainer(model);
      long number = 0;
      for (Method method : List.of(Method.EMBEDDING, Method.PROTOTYPES, Method.WEIGHTS)) {
        try (FewShotCandidate candidate = trainer.train(task, examples, method, 1)) {
          double[] judged = candidate.predict(asked)[0];
          for (int inlineLimit : List.of(0, 1 << 20)) {
            publish(candidate.version(), ++number, inlineLimit, store);
            Prediction answer = awaitAnswerBy(number, "things", asked.get(0).text());
            for (int l = 0; l < judged.length; l++) {
              assertThat((double) answer.getDistribution().get(l).getProbability())
                  .isCloseTo(judged[l], within(1e-4));
            }
          }
        }
      }
    }
  }

  private void publish(FewShotVersion version, long number, int inlineLimit, ModelStore store)
      throws Exception {
    String modelId = app.predictor().modelId();
    AdapterFiles unused = new AdapterFiles(folder.resolve("unused"), Duration.ZERO);
    AdapterVersion record =
        new VersionCodec(unused, store, "me", inlineLimit)
            .toRecord("things", modelId, version, Instant.now());
    publish(AdapterVersion.newBuilder(record).setVersion(number).build());
  }

  private Prediction awaitAnswerBy(long version, String taskId, String text) {
    return await()
        .atMost(AppFixture.PATIENCE)
        .until(
            () -> {
              String id = "a" + expected;
              app.request("k", AppFixture.request(id, taskId, text));
              awaitAnswers(1);
              return prediction(id);
            },
            answer -> answer.getAdapterVersion() == version);
  }

  private void publish(String modelId, long version, List<Float> embedding) {
    AdapterVersion adapter =
        AdapterVersion.newBuilder()
            .setTaskId("davidson_hate")
            .setVersion(version)
            .setModelId(modelId)
            .setForm(AdapterForm.EMBEDDING)
            .setEmbedding(embedding)
            .setCreatedAt(Instant.now())
            .build();
    publish(adapter);
  }

  private void publish(AdapterVersion adapter) {
    app.send(
        app.topics.adapters().name(),
        adapter.getModelId() + "|" + adapter.getTaskId(),
        app.codec.serialize(app.topics.adapters().name(), adapter));
    app.flush();
  }

  @Test
  @DisplayName("shows its adapter cache among the metrics")
  void metrics() throws Exception {
    app.request("k", AppFixture.request("metrics", "pros_cons", "fine"));
    awaitAnswers(1);
    assertThat(InferenceIT.get(port, "/prometheus").body())
        .contains("hyperstream_adapter_cache_hits_total")
        .contains("hyperstream_tasks_resident")
        .contains("hyperstream_tasks_defined");
  }
}
