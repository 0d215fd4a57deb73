package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** An application with both roles, a task nobody trained, and the words to teach it with. */
final class AdaptationTestApp implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String SENTENCES = "library-desk.tsv";

  final AppFixture app;
  private final Map<String, Prediction> predictions = new HashMap<>(); // by request
  private int decoded;
  private int asked;

  /** One labelled sentence. */
  record Sentence(String label, String text) {}

  AdaptationTestApp(String prefix, Path folder) throws Exception {
    app = new AppFixture(prefix, folder);
    app.set("roles", "inference,adaptation");
  }

  AdaptationTestApp start() throws Exception {
    app.start(Optional.empty());
    return this;
  }

  /** The sentences of a label, in their order. */
  static List<Sentence> sentences() throws IOException {
    return sentences(SENTENCES);
  }

  private static List<Sentence> sentences(String resource) throws IOException {
    try (InputStream in = AdaptationTestApp.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(line -> line.split("\t", 2))
          .map(columns -> new Sentence(columns[0], columns[1]))
          .toList();
    }
  }

  /** Every other sentence, so that all labels are there. */
  static List<Sentence> half(int which) throws IOException {
    return half(sentences(), which);
  }

  /** Every other remark about a canteen: what is good and what is bad about it. */
  static List<Sentence> remarks(int which) throws IOException {
    return half(sentences("canteen.tsv"), which);
  }

  private static List<Sentence> half(List<Sentence> all, int which) {
    List<Sentence> half = new ArrayList<>();
    for (int i = which; i < all.size(); i += 2) {
      half.add(all.get(i));
    }
    return half;
  }

  /** The task of the sentences; adapts itself as the policy says. */
  static TaskDefinition.Builder libraryTask(String taskId, AdaptationPolicy policy) {
    return AppFixture.task(taskId, "borrowing", "events", "rooms").setAdaptation(policy);
  }

  /** Only commands start an adaptation; nothing but prototypes and embeddings. */
  static AdaptationPolicy.Builder onCommand() {
    return every(1).setEnabled(false);
  }

  /** So many new examples start one; what is published is judged as by default. */
  static AdaptationPolicy.Builder every(int examples) {
    return AdaptationPolicy.newBuilder().setTriggerExamples(examples).setTuneWeights(false);
  }

  static LabelEvent.Builder event(String taskId, Sentence sentence) {
    return LabelEvent.newBuilder()
        .setTaskId(taskId)
        .setText(sentence.text())
        .setLabel(sentence.label())
        .setSource("test")
        .setCreatedAt(Instant.now());
  }

  void label(LabelEvent.Builder event) {
    String topic = app.topics.labels().name();
    app.send(topic, "any", app.codec.serialize(topic, event.build()));
  }

  void teach(String taskId, List<Sentence> sentences) {
    sentences.forEach(sentence -> label(event(taskId, sentence)));
    app.flush();
  }

  static AdaptationCommand.Builder order(String taskId, AdaptationAction action) {
    return AdaptationCommand.newBuilder()
        .setCommandId(taskId + "-" + action + "-" + System.nanoTime())
        .setTaskId(taskId)
        .setAction(action)
        .setIssuedBy("test")
        .setCreatedAt(Instant.now());
  }

  /** Sends a command and waits for its report. */
  AdaptationReport execute(AdaptationCommand.Builder order) {
    AdaptationCommand command = order.build();
    String topic = app.topics.commands().name();
    app.send(topic, "any", app.codec.serialize(topic, command));
    app.flush();
    return eventually(
        "a report on " + command,
        () ->
            reports(command.getTaskId()).stream()
                .filter(report -> command.getCommandId().equals(report.getCommandId()))
                .findFirst());
  }

  AdaptationReport execute(String taskId, AdaptationAction action) {
    return execute(order(taskId, action));
  }

  /** Reads the outputs until something is there. */
  <T> T eventually(String what, Callable<Optional<T>> found) {
    return await(what)
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              app.readOutputs();
              return found.call();
            },
            Optional::isPresent)
        .orElseThrow();
  }

  List<AdaptationReport> reports(String taskId) {
    return app.records(app.topics.reports()).stream()
        .map(r -> app.codec.deserialize(r.topic(), r.value(), AdaptationReport.class))
        .filter(report -> report.getTaskId().equals(taskId))
        .toList();
  }

  Optional<AdaptationReport> promotion(String taskId) {
    return reports(taskId).stream()
        .filter(report -> report.getOutcome() == AdaptationOutcome.PROMOTED)
        .findFirst();
  }

  /** Every version ever published, in the order of its publication. */
  List<AdapterVersion> versions(String taskId) {
    return app.records(app.topics.adapterVersions()).stream()
        .filter(record -> record.value() != null)
        .map(this::version)
        .filter(version -> version.getTaskId().equals(taskId))
        .toList();
  }

  /** What is served, as the topic says. */
  Optional<AdapterVersion> served(String taskId) {
    return app.records(app.topics.adapters()).stream()
        .filter(r -> new String(r.key(), StandardCharsets.UTF_8).endsWith("|" + taskId))
        .reduce((earlier, later) -> later)
        .filter(record -> record.value() != null)
        .map(this::version);
  }

  AdapterVersion version(ConsumerRecord<byte[], byte[]> record) {
    return app.codec.deserialize(record.topic(), record.value(), AdapterVersion.class);
  }

  /** Asks for the label of each sentence and waits; in their order. */
  List<Prediction> ask(String taskId, List<Sentence> sentences) {
    String round = "ask-" + asked++ + "-";
    for (int i = 0; i < sentences.size(); i++) {
      app.request("k", AppFixture.request(round + i, taskId, sentences.get(i).text()));
    }
    app.flush();
    return answersTo(round, sentences.size());
  }

  /** The answers to requests with this prefix and numbers from 0. */
  List<Prediction> answersTo(String prefix, int count) {
    return eventually(
        count + " answers to " + prefix,
        () -> {
          List<ConsumerRecord<byte[], byte[]>> records = app.predictionRecords();
          for (; decoded < records.size(); decoded++) {
            Prediction prediction = app.decode(records.get(decoded));
            predictions.put(prediction.getRequestId(), prediction);
          }
          List<Prediction> found =
              IntStream.range(0, count)
                  .mapToObj(number -> predictions.get(prefix + number))
                  .takeWhile(Objects::nonNull)
                  .toList();
          return found.size() < count ? Optional.empty() : Optional.of(found);
        });
  }

  /** Asks until a version answers. */
  void awaitServed(String taskId, long version) {
    List<Sentence> one = List.of(new Sentence("rooms", "Is a room free?"));
    eventually(
        "version " + version + " of " + taskId,
        () ->
            ask(taskId, one).stream()
                .filter(answer -> answer.getAdapterVersion() == version)
                .findFirst());
  }

  /** Share of the sentences that got their label. */
  static double accuracy(List<Sentence> sentences, List<Prediction> answers) {
    int right = 0;
    for (int i = 0; i < answers.size(); i++) {
      right += sentences.get(i).label().equals(answers.get(i).getLabel()) ? 1 : 0;
    }
    return right / (double) answers.size();
  }

  /** The same labels and, other batches rounding differently, all but the same probabilities. */
  static void assertSame(List<Prediction> expected, List<Prediction> actual) {
    for (int i = 0; i < expected.size(); i++) {
      Map<String, Double> before = distribution(expected.get(i));
      Map<String, Double> now = distribution(actual.get(i));
      assertThat(now.keySet()).isEqualTo(before.keySet());
      before.forEach(
          (label, p) -> assertThat(Math.log(now.get(label)) - Math.log(p)).isBetween(-1e-4, 1e-4));
    }
  }

  /** Labels to probabilities. */
  private static Map<String, Double> distribution(Prediction prediction) {
    Map<String, Double> distribution = new LinkedHashMap<>();
    prediction
        .getDistribution()
        .forEach(d -> distribution.put(d.getLabel(), (double) d.getProbability()));
    return distribution;
  }

  @Override
  public void close() throws IOException {
    app.close();
  }
}
