package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.EventTimeExtractor;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The inference topology")
class InferenceTopologyTest {
  private static final Instant EVENT_TIME = Instant.parse("2026-01-02T03:04:05.678Z");

  @TempDir private Path folder;
  private final TestPredictor predictor = new TestPredictor();
  private InferenceFixture fixture;
  private Topics topics;
  private RecordCodec codec;
  private InferenceMetrics metrics;
  private TestInputTopic<byte[], byte[]> requests;
  private TestInputTopic<byte[], byte[]> definitions;
  private TestInputTopic<byte[], byte[]> adapters;
  private TestOutputTopic<byte[], byte[]> predictions;
  private TestOutputTopic<byte[], byte[]> deadLetters;

  @BeforeEach
  void start() throws Exception {
    BatchPolicy policy = new BatchPolicy(8, 1000, Duration.ZERO);
    fixture = new InferenceFixture(predictor, folder, policy, 1, 400, InferenceSpans.off());
    topics = fixture.topics;
    codec = fixture.codec;
    metrics = fixture.metrics;
    requests = fixture.input(topics.requests().name());
    definitions = fixture.input(topics.definitions().name());
    adapters = fixture.input(topics.adapters().name());
    predictions = fixture.output(topics.predictions().name());
    deadLetters = fixture.output(topics.deadLetters().name());
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static TaskDefinition.Builder task(String taskId, String... labels) {
    return TaskDefinition.newBuilder()
        .setTaskId(taskId)
        .setKind(TaskKind.CLASSIFICATION)
        .setLabels(
            List.of(labels).stream().map(label -> new TaskLabel(label, null, null)).toList());
  }

  private void define(TaskDefinition.Builder task) {
    byte[] value = codec.serialize(topics.definitions().name(), task.build());
    definitions.pipeInput(utf8(task.getTaskId()), value);
  }

  private static InferenceRequest.Builder request(String taskId, String text) {
    return InferenceRequest.newBuilder()
        .setRequestId("r-" + text.hashCode())
        .setTaskId(taskId)
        .setText(text)
        .setCreatedAt(EVENT_TIME);
  }

  private byte[] bytes(InferenceRequest.Builder request) {
    return codec.serialize(topics.requests().name(), request.build());
  }

  private void send(InferenceRequest.Builder request) {
    requests.pipeInput(utf8("key"), bytes(request), EVENT_TIME);
  }

  private Prediction prediction() {
    return decode(predictions.readValue());
  }

  private Prediction decode(byte[] value) {
    return codec.deserialize(topics.predictions().name(), value, Prediction.class);
  }

  private static String header(TestRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  private void assertDeadLetter(ErrorCode code, String messagePart) {
    TestRecord<byte[], byte[]> dead = deadLetters.readRecord();
    assertThat(header(dead, DeadLetterHeaders.ERROR_CODE)).isEqualTo(code.name());
    assertThat(header(dead, DeadLetterHeaders.ERROR_MESSAGE)).contains(messagePart);
    assertThat(predictions.isEmpty()).isTrue();
    assertThat(metrics.deadLetters(code).count()).isEqualTo(1);
  }

  @Test
  @DisplayName("describes itself with named processors")
  void describes() {
    assertThat(fixture.topology.describe().toString())
        .contains("requests", "join-outcomes", "predictions", "dead-letters", "define-tasks");
  }

  @Test
  @DisplayName("answers a request with everything the prediction carries")
  void answers() {
    Instant before = Instant.now().minusSeconds(1);
    define(task("mood", "good", "bad"));
    RecordHeaders headers = new RecordHeaders();
    headers.add("traceparent", utf8("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    headers.add("mine", utf8("x"));
    requests.pipeInput(
        new TestRecord<>(
            utf8("key"),
            bytes(request("mood", "four four one").setAttributes(Map.of("shop", "berlin"))),
            headers,
            EVENT_TIME));

    TestRecord<byte[], byte[]> record = predictions.readRecord();
    assertThat(record.key()).isEqualTo(utf8("key"));
    assertThat(record.getRecordTime()).isBetween(before, Instant.now());
    assertThat(header(record, "traceparent")).startsWith("00-0af7");
    assertThat(header(record, "mine")).isEqualTo("x");
    Prediction prediction = decode(record.value());
    assertThat(prediction.getLabel()).isEqualTo("bad");
    assertThat(prediction.getKind()).isEqualTo(TaskKind.CLASSIFICATION);
    assertThat(prediction.getDistribution())
        .extracting(entry -> entry.getLabel() + "=" + entry.getProbability())
        .containsExactly("good=0.0", "bad=1.0");
    assertThat(prediction.getModelId()).isEqualTo(TestPredictor.MODEL_ID);
    assertThat(prediction.getAttributes()).containsEntry("shop", "berlin");
    assertThat(prediction.getCreatedAt()).isEqualTo(EVENT_TIME);
    assertThat(prediction.getTaskId()).isEqualTo("mood");
    assertThat(prediction.getRequestId()).isEqualTo("r-" + "four four one".hashCode());
    assertThat(deadLetters.isEmpty()).isTrue();
  }

  @Test
  @DisplayName("gives no label where the score is below the task's, says why, and counts it")
  void abstains() {
    define(task(TestPredictor.UNSURE_TASK, "good", "bad").setAbstainBelow(0.8));
    define(task("sure", "good", "bad").setAbstainBelow(0.8));
    send(request(TestPredictor.UNSURE_TASK, "four four one"));
    Prediction none = prediction();
    assertThat(none.getLabel()).isNull();
    assertThat(none.getAbstained()).isEqualTo("score 0.75 < 0.8");
    assertThat(none.getScore()).isEqualTo(TestPredictor.UNSURE);
    assertThat(none.getMargin()).isEqualTo(0.5f);
    assertThat(none.getOutOfScope()).isNull();
    assertThat(none.getDistribution()).hasSize(2);
    send(request("sure", "four four one"));
    assertThat(prediction().getAbstained()).isNull();
    assertThat(metrics.abstained(TestPredictor.UNSURE_TASK).count()).isEqualTo(1);
    assertThat(metrics.abstained("sure").count()).isZero();

    define(task(TestPredictor.UNSURE_TASK, "good", "bad"));
    send(request(TestPredictor.UNSURE_TASK, "four four one"));
    assertThat(prediction().getLabel()).isEqualTo("bad");

    for (int i = 0; i < InferenceMetrics.MAX_TASKS; i++) {
      metrics.abstained("task" + i);
    }
    assertThat(metrics.abstained("one-more")).isSameAs(metrics.abstained("another"));
  }

  @Test
  @DisplayName("answers regression and free-text tasks")
  void otherKinds() {
    define(task("length").setKind(TaskKind.REGRESSION));
    define(task("say").setKind(TaskKind.GENERATION));
    send(request("length", "four four"));
    send(request("say", "four"));
    assertThat(prediction().getValue()).isEqualTo(8.0);
    Prediction said = prediction();
    assertThat(said.getText()).isEqualTo("4");
    assertThat(said.getValue()).isNull();
    assertThat(said.getDistribution()).isEmpty();
  }

  @Test
  @DisplayName("keeps the requests' order over tasks and outcomes")
  void order() {
    define(task("a", "x", "y"));
    define(task("b", "x", "y", "z"));
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      String text = i % 7 == 0 ? "an odd text " + i : "w".repeat(1 + i % 5) + " " + i;
      InferenceRequest.Builder request = request(i % 2 == 0 ? "a" : "b", text);
      send(request.setRequestId("r" + i));
      if (i % 7 != 0) {
        ids.add("r" + i);
      }
    }
    assertThat(predictions.readValuesToList().stream().map(v -> decode(v).getRequestId()))
        .containsExactlyElementsOf(ids);
    assertThat(deadLetters.getQueueSize()).isEqualTo(8);
  }

  @Test
  @DisplayName("clamps event times that cannot be")
  void clampsTimes() {
    define(task("mood", "good", "bad"));
    Instant before = Instant.now().minusSeconds(1);
    Instant farAhead = Instant.now().plus(EventTimeExtractor.MAX_AHEAD).plusSeconds(60);
    requests.pipeInput(utf8("key"), bytes(request("mood", "x")), farAhead);
    assertThat(predictions.readRecord().getRecordTime()).isBetween(before, Instant.now());
  }

  @Test
  @DisplayName("dead-letters an unknown task, with bytes, headers and origin")
  void unknownTask() {
    Instant before = Instant.now().minusSeconds(1);
    byte[] value = bytes(request("nobody", "hello"));
    RecordHeaders headers = new RecordHeaders();
    headers.add("traceparent", utf8("00-aa-bb-01"));
    requests.pipeInput(new TestRecord<>(utf8("key"), value, headers, EVENT_TIME));

    TestRecord<byte[], byte[]> dead = deadLetters.readRecord();
    assertThat(dead.key()).isEqualTo(utf8("key"));
    assertThat(dead.value()).isEqualTo(value);
    assertThat(dead.getRecordTime()).isBetween(before, Instant.now());
    assertThat(header(dead, DeadLetterHeaders.ERROR_CODE)).isEqualTo("UNKNOWN_TASK");
    assertThat(header(dead, DeadLetterHeaders.ERROR_MESSAGE)).contains("'nobody'");
    assertThat(header(dead, DeadLetterHeaders.SOURCE_TOPIC)).isEqualTo(topics.requests().name());
    assertThat(header(dead, DeadLetterHeaders.SOURCE_PARTITION)).isEqualTo("0");
    assertThat(header(dead, DeadLetterHeaders.SOURCE_OFFSET)).isEqualTo("0");
    assertThat(header(dead, "traceparent")).isEqualTo("00-aa-bb-01");
  }

  @Test
  @DisplayName("dead-letters bytes that are no request, and records without a value")
  void undecodable() {
    requests.pipeInput(utf8("key"), utf8("not avro"), EVENT_TIME);
    assertDeadLetter(ErrorCode.UNDECODABLE, "wire format");
    requests.pipeInput(new TestRecord<>(utf8("key"), (byte[]) null, EVENT_TIME));
    assertThat(header(deadLetters.readRecord(), DeadLetterHeaders.ERROR_CODE))
        .isEqualTo("UNDECODABLE");
  }

  @Test
  @DisplayName("dead-letters empty, over-long and incomplete requests, each with its code")
  void badRequests() {
    define(task("mood", "good", "bad").setOverLength(OverLengthPolicy.REJECT));
    define(task("pair", "same", "other").setTemplate("{text} and {textPair}"));
    send(request("mood", " \t\n"));
    assertDeadLetter(ErrorCode.EMPTY_TEXT, "white space");
    send(request("mood", "w ".repeat(TestPredictor.MAX_TOKENS + 1)));
    assertDeadLetter(ErrorCode.TEXT_TOO_LONG, "at most 32 tokens");
    send(request("pair", "one"));
    assertDeadLetter(ErrorCode.MISSING_TEXT_PAIR, "textPair");
    send(request("mood", "x").setRequestId(""));
    assertDeadLetter(ErrorCode.INVALID_REQUEST, "requestId");
  }

  @Test
  @DisplayName("dead-letters texts, attributes and records beyond the limits")
  void limits() {
    define(task("mood", "good", "bad"));
    send(request("mood", "x".repeat(3_000)).setTextPair("y".repeat(3_000)));
    assertDeadLetter(ErrorCode.TEXT_TOO_LONG, "6000");
    send(request("mood", "x").setAttributes(Map.of("a", "", "b", "", "c", "", "d", "")));
    assertDeadLetter(ErrorCode.INVALID_REQUEST, "at most 3 attributes");
    byte[] large = new byte[100_001];
    requests.pipeInput(utf8("key"), large, EVENT_TIME);
    assertDeadLetter(ErrorCode.REQUEST_TOO_LARGE, "100001");
  }

  @Test
  @DisplayName("leaves out a value that no dead letter can hold, and says so")
  void valueTooLargeForDeadLetters() {
    byte[] huge = new byte[topics.deadLetters().maxRecordBytes() + 1];
    requests.pipeInput(utf8("key"), huge, EVENT_TIME);
    TestRecord<byte[], byte[]> dead = deadLetters.readRecord();
    assertThat(dead.value()).isNull();
    assertThat(header(dead, DeadLetterHeaders.VALUE_OMITTED)).isEqualTo("" + huge.length);
  }

  @Test
  @DisplayName("cuts a long text and flags the prediction where the task says so")
  void truncates() {
    define(task("mood", "good", "bad"));
    send(request("mood", "w ".repeat(100)));
    assertThat(prediction().getTruncated()).isTrue();
  }

  @Test
  @DisplayName("dead-letters only the row the model fails on")
  void modelErrors() {
    define(task("mood", "good", "bad"));
    send(request("mood", "this is poison"));
    assertDeadLetter(ErrorCode.MODEL_ERROR, "poison");
    send(request("mood", "fine"));
    assertThat(prediction().getTaskId()).isEqualTo("mood");
  }

  @Test
  @DisplayName("keeps an invalid definition visible until a valid one replaces it")
  void invalidTask() {
    define(task("mood", "only one"));
    send(request("mood", "x"));
    assertDeadLetter(
        ErrorCode.INVALID_TASK,
        "task 'mood' cannot be served: CLASSIFICATION needs 2 to 1024 labels; it has 1");
    assertThat(metrics.invalidDefinitions.count()).isEqualTo(1);

    define(task("mood", "good", "bad"));
    send(request("mood", "x"));
    assertThat(prediction().getTaskId()).isEqualTo("mood");

    definitions.pipeInput(utf8("mood"), utf8("garbage"));
    send(request("mood", "x"));
    assertThat(header(deadLetters.readRecord(), DeadLetterHeaders.ERROR_CODE))
        .isEqualTo("INVALID_TASK");
  }

  @Test
  @DisplayName("takes names that no screen or path can carry for invalid, as producers wrote them")
  void unusableNames() {
    define(task("..", "good", "bad"));
    define(task("mood", "good\tone", "bad"));
    send(request("mood", "x"));
    assertDeadLetter(
        ErrorCode.INVALID_TASK,
        "task 'mood' cannot be served: the name of label 'good\\u0009one' has a control");
    assertThat(metrics.invalidDefinitions.count()).isEqualTo(2);
  }

  @Test
  @DisplayName("takes a definition under another task's key for invalid")
  void definitionUnderWrongKey() {
    byte[] value = codec.serialize(topics.definitions().name(), task("a", "x", "y").build());
    definitions.pipeInput(utf8("b"), value);
    definitions.pipeInput((byte[]) null, value);
    send(request("b", "x"));
    assertDeadLetter(ErrorCode.INVALID_TASK, "the record's key is 'b'");
  }

  @Test
  @DisplayName("retires a task by a tombstone")
  void tombstone() {
    define(task("mood", "good", "bad"));
    send(request("mood", "x"));
    assertThat(prediction().getTaskId()).isEqualTo("mood");
    definitions.pipeInput(utf8("mood"), (byte[]) null);
    send(request("mood", "x"));
    assertDeadLetter(ErrorCode.UNKNOWN_TASK, "'mood'");
  }

  private AdapterVersion.Builder version(String modelId, long version) {
    return AdapterVersion.newBuilder()
        .setTaskId("mood")
        .setVersion(version)
        .setModelId(modelId)
        .setForm(AdapterForm.EMBEDDING)
        .setEmbedding(List.of(1f, 2f, 3f, 4f))
        .setCreatedAt(EVENT_TIME);
  }

  private void publish(AdapterVersion.Builder version) {
    fixture.adapterRecords.add(version.build());
    adapters.pipeInput(
        utf8(version.getModelId() + "|" + version.getTaskId()),
        codec.serialize(topics.adapters().name(), version.build()));
  }

  private long servedVersion() {
    return served().getAdapterVersion();
  }

  private Prediction served() {
    send(request("mood", "x"));
    return prediction();
  }

  @Test
  @DisplayName("serves the adapter version that was published last, and the start again")
  void adapterVersions() {
    define(task("mood", "good", "bad"));
    assertThat(servedVersion()).isZero();
    publish(version(TestPredictor.MODEL_ID, 1));
    publish(version(TestPredictor.MODEL_ID, 2));
    assertThat(servedVersion()).isEqualTo(2);
    adapters.pipeInput(utf8(TestPredictor.MODEL_ID + "|mood"), (byte[]) null);
    assertThat(servedVersion()).isZero();
    assertThat(metrics.ignoredAdapters.count()).isZero();
  }

  @Test
  @DisplayName("says whether the version that answers was taught, or is the initial adapter")
  void taught() {
    define(task("mood", "good", "bad"));
    assertThat(served().getTaught()).isFalse();
    publish(version(TestPredictor.MODEL_ID, 1));
    assertThat(served().getTaught()).isTrue();
    publish(version(TestPredictor.MODEL_ID, 2).setEmbedding(List.of()));
    assertThat(served())
        .extracting(Prediction::getAdapterVersion, Prediction::getTaught)
        .containsExactly(2L, false);
    publish(version(TestPredictor.MODEL_ID, 3).setReason("Version 1 again."));
    assertThat(served().getTaught()).isTrue();
    adapters.pipeInput(utf8(TestPredictor.MODEL_ID + "|mood"), (byte[]) null);
    assertThat(served().getTaught()).isFalse();
  }

  @Test
  @DisplayName("takes no notice of versions of another model: they stay when the model changes")
  void otherModelsAdapters() {
    define(task("mood", "good", "bad"));
    publish(version("another-model", 1));
    adapters.pipeInput(utf8("another-model|mood"), (byte[]) null);
    assertThat(servedVersion()).isZero();
    assertThat(metrics.ignoredAdapters.count()).isZero();
  }

  @Test
  @DisplayName("does not apply a version that is damaged, or of a form it cannot serve")
  void ignoredAdapters() {
    define(task("mood", "good", "bad"));
    publish(version(TestPredictor.MODEL_ID, 2).setEmbedding(List.of(1f)));
    publish(version(TestPredictor.MODEL_ID, 3).setEmbedding(List.of(1f, 2f, 3f, Float.NaN)));
    publish(version(TestPredictor.MODEL_ID, 4).setForm(AdapterForm.PROTOTYPES));
    publish(version(TestPredictor.MODEL_ID, 5).setForm(AdapterForm.WEIGHTS));
    publish(version(TestPredictor.MODEL_ID, 0));
    adapters.pipeInput(utf8(TestPredictor.MODEL_ID + "|mood"), utf8("garbage"));
    adapters.pipeInput(utf8("no bar"), utf8("garbage"));
    assertThat(servedVersion()).isZero();
    assertThat(metrics.ignoredAdapters.count()).isEqualTo(7);
  }

  @Test
  @DisplayName(
      "serves the label vectors of a version, over the task's initial adapter if it says so")
  void labelVectors() throws Exception {
    define(task("mood", "good", "bad"));
    LabelHead head =
        new LabelHead(
            new float[2],
            List.of(
                new LabelHead.LabelVectors(
                    "good", new float[] {1, 2}, 3, new int[] {7}, new float[] {4}, 5)),
            true,
            1,
            2,
            3,
            Optional.empty());
    FewShotVersion made =
        new FewShotVersion(
            FewShotVersion.Form.PROTOTYPES, new float[0], Optional.of(head), Optional.empty());
    AdapterVersion record =
        new VersionCodec(new AdapterFiles(folder, Duration.ZERO), fixture.store)
            .toRecord("mood", TestPredictor.MODEL_ID, made, EVENT_TIME);
    assertThat(record.getWithoutAdapters()).isTrue();
    publish(AdapterVersion.newBuilder(record).setVersion(1).setWithoutAdapters(false));
    assertThat(served().getTaught()).isTrue();
    TaskAdapter served = lastRow().adapter();
    assertThat(served.version()).isEqualTo(1);
    assertThat(served.form())
        .usingRecursiveComparison()
        .isEqualTo(predictor.startingAdapter(lastRow().task()).form());
    assertThat(served.head().get().vectors().get(0).words()).containsExactly(4);

    publish(AdapterVersion.newBuilder(record).setVersion(2));
    assertThat(servedVersion()).isEqualTo(2);
    assertThat(lastRow().adapter().form())
        .isEqualTo(new io.hyperstream.model.hyper.AdapterForm.None());
  }

  private PreparedRow lastRow() {
    List<List<PreparedRow>> batches = predictor.batches();
    return batches.get(batches.size() - 1).get(0);
  }

  @Test
  @DisplayName("serves weights from the model store; those that are not there, once they come")
  void storedWeights() throws Exception {
    define(task("mood", "good", "bad"));
    FewShotVersion made =
        new FewShotVersion(
            FewShotVersion.Form.WEIGHTS,
            new float[4],
            Optional.empty(),
            Optional.of(new byte[] {1, 2, 3}));
    AdapterVersion record =
        new VersionCodec(new AdapterFiles(folder, Duration.ZERO), fixture.store, "me", 2)
            .toRecord("mood", TestPredictor.MODEL_ID, made, EVENT_TIME);
    assertThat(record.getWeights()).isNull();
    publish(AdapterVersion.newBuilder(record).setVersion(1));
    assertThat(servedVersion()).isEqualTo(1);
    Path file = fixture.store.weights(record.getWeightsUri());
    assertThat(lastRow().adapter().weightsFile()).contains(file);

    publish(AdapterVersion.newBuilder(record).setVersion(2).setWeightsUri("/etc/passwd"));
    Files.write(file, new byte[] {4});
    publish(AdapterVersion.newBuilder(record).setVersion(3));
    Files.delete(file);
    publish(AdapterVersion.newBuilder(record).setVersion(4));
    publish(AdapterVersion.newBuilder(record).setVersion(5));
    assertThat(servedVersion()).isEqualTo(1);
    assertThat(metrics.ignoredAdapters.count()).isEqualTo(1); // of the wrong reference
    assertThat(metrics.weightRetries.count()).isGreaterThanOrEqualTo(3);
    assertThat(fixture.adoption.problem()).isPresent();
    Files.write(file, new byte[] {1, 2, 3});
    await().until(this::servedVersion, version -> version == 5);
    assertThat(fixture.adoption.problem()).isEmpty();
  }

  @Test
  @DisplayName("gets weights again that were removed from the disk, and answers by them")
  void weightsAreGone() throws Exception {
    define(task("mood", "good", "bad"));
    predictor.readWeights();
    publish(
        version(TestPredictor.MODEL_ID, 1)
            .setForm(AdapterForm.WEIGHTS)
            .setEmbedding(List.of())
            .setWeights(java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3})));
    assertThat(servedVersion()).isEqualTo(1);
    Path file = lastRow().adapter().weightsFile().orElseThrow();
    Files.delete(file);
    assertThat(servedVersion()).isEqualTo(1);
    assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
    assertThat(deadLetters.isEmpty()).isTrue();
  }

  @Test
  @DisplayName("applies a version that memory was short for, once there is some")
  void deviceShortOfMemory() {
    define(task("mood", "good", "bad"));
    AtomicInteger failures = new AtomicInteger(2);
    predictor.inTrial(
        () -> {
          if (failures.getAndDecrement() > 0) {
            throw new IllegalStateException("CUDA out of memory");
          }
        });
    publish(version(TestPredictor.MODEL_ID, 1));
    assertThat(servedVersion()).isZero();
    assertThat(fixture.adoption.problem().orElseThrow()).contains("mood", "CUDA out of memory");
    await().until(this::servedVersion, version -> version == 1);
    assertThat(metrics.weightRetries.count()).isEqualTo(2);
    assertThat(metrics.ignoredAdapters.count()).isZero();
    assertThat(fixture.adoption.problem()).isEmpty();
  }

  @Test
  @DisplayName("keeps inline weights on disk and checks their hash")
  void weights() throws Exception {
    define(task("mood", "good", "bad"));
    java.nio.ByteBuffer weights = java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3});
    publish(
        version(TestPredictor.MODEL_ID, 1)
            .setForm(AdapterForm.WEIGHTS)
            .setEmbedding(List.of())
            .setWeights(weights));
    assertThat(servedVersion()).isEqualTo(1);
    assertThat(folder.resolve("weights")).isDirectoryContaining("glob:**.safetensors");
    publish(version(TestPredictor.MODEL_ID, 2));
    assertThat(folder.resolve("weights")).isEmptyDirectory();
    publish(
        version(TestPredictor.MODEL_ID, 3)
            .setForm(AdapterForm.WEIGHTS)
            .setWeights(weights)
            .setWeightsSha256("00"));
    assertThat(servedVersion()).isEqualTo(2);
    assertThat(metrics.ignoredAdapters.count()).isEqualTo(1);
  }

  @Test
  @DisplayName("dead-letters a request whose prediction does not fit into a record")
  void predictionTooLarge() {
    String longName = "l".repeat(topics.predictions().maxRecordBytes() / 2);
    define(task("wide", longName + "1", longName + "2"));
    send(request("wide", "x"));
    assertDeadLetter(ErrorCode.PREDICTION_TOO_LARGE, "a record takes");
  }

  @Test
  @DisplayName("lets headers travel until their limit, the trace context first")
  void headerLimit() {
    define(task("mood", "good", "bad"));
    RecordHeaders headers = new RecordHeaders();
    headers.add("large", new byte[390]);
    headers.add("small", new byte[10]);
    headers.add("traceparent", utf8("00-aa-bb-01"));
    requests.pipeInput(
        new TestRecord<>(utf8("key"), bytes(request("mood", "x")), headers, EVENT_TIME));
    TestRecord<byte[], byte[]> record = predictions.readRecord();
    assertThat(header(record, "traceparent")).isEqualTo("00-aa-bb-01");
    assertThat(header(record, "small")).isNotNull();
    assertThat(header(record, "large")).isNull();
    assertThat(header(record, HeaderPolicy.DROPPED)).isEqualTo("1");
  }

  @Test
  @DisplayName("counts a record that no prefetch has seen as a miss, and answers it")
  void misses() {
    define(task("mood", "good", "bad"));
    send(request("mood", "x"));
    assertThat(prediction()).isNotNull();
    assertThat(metrics.prefetchMisses.count()).isEqualTo(1);
    assertThat(metrics.prefetchHits.count()).isZero();
    assertThat(metrics.predictions.count()).isEqualTo(1);
  }

  @Test
  @DisplayName("has a dead-letter code for every permanent failure of a model")
  void codes() {
    for (InferenceException.Code code : InferenceException.Code.values()) {
      assertThat(ErrorCode.of(code).name()).isEqualTo(code.name());
      assertThat(ErrorCode.of(code).sentence()).endsWith(".");
    }
  }
}
