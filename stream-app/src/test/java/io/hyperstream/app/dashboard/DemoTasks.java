package io.hyperstream.app.dashboard;

import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.yaml.snakeyaml.Yaml;

/** The demo's tasks and sentences in an application, so that every view has something to show. */
final class DemoTasks {
  static final String TAUGHT = "city-reports";
  private static final String FOLDER = "/io/hyperstream/app/cli/demo/";
  private static final int BATCH = 8;

  private final AppFixture app;
  private final List<Sentence> sentences = read("sentences.tsv");
  private final List<Sentence> examples = read("taught-examples.tsv");
  private int requests;

  /** A line of the demo. */
  record Sentence(String taskId, String text, String textPair, String label) {}

  DemoTasks(AppFixture app) throws IOException {
    this.app = app;
  }

  private static List<Sentence> read(String file) throws IOException {
    try (InputStream in = DemoTasks.class.getResourceAsStream(FOLDER + file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(1)
          .map(line -> line.split("\t", -1))
          .map(c -> new Sentence(c[0], c[1], c[2].isEmpty() ? null : c[2], c[3]))
          .toList();
    }
  }

  /** Ten tasks whose labels say what they mean, and one whose labels do not. */
  void define() throws IOException {
    try (InputStream in = DemoTasks.class.getResourceAsStream(FOLDER + "tasks.yaml")) {
      Map<String, List<Map<String, Object>>> file = new Yaml().load(in);
      file.get("tasks").forEach(this::define);
    }
    try (InputStream in = DemoTasks.class.getResourceAsStream(FOLDER + "taught-task.yaml")) {
      define(new Yaml().load(in));
    }
  }

  private void define(Map<String, Object> task) {
    TaskDefinition.Builder definition =
        AppFixture.task((String) task.get("taskId"))
            .setLabels(((List<?>) task.get("labels")).stream().map(DemoTasks::label).toList())
            .setDescription((String) task.get("description"))
            .setAdaptation(policy());
    if (task.containsKey("template")) {
      definition.setTemplate((String) task.get("template"));
    }
    app.define(definition);
  }

  /** A name, or a name and what it means. */
  private static TaskLabel label(Object label) {
    return label instanceof Map<?, ?> fields
        ? new TaskLabel((String) fields.get("name"), null, (String) fields.get("description"))
        : new TaskLabel((String) label, null, null);
  }

  private static AdaptationPolicy policy() {
    return AdaptationPolicy.newBuilder().setTriggerExamples(BATCH).setTuneWeights(false).build();
  }

  /** Labels in batches, each until its attempt has been reported; at least one is a promotion. */
  void teach() {
    for (int from = 0; from < examples.size(); from += BATCH) {
      teach(TAUGHT, examples.subList(from, Math.min(examples.size(), from + BATCH)));
    }
    if (reports(TAUGHT).stream().noneMatch(r -> r.getOutcome() == AdaptationOutcome.PROMOTED)) {
      throw new AssertionError("no version of " + TAUGHT + ": " + reports(TAUGHT));
    }
  }

  /** More of the same for other tasks. */
  void teachMore(List<String> tasks, int batches) {
    for (int batch = 0; batch < batches; batch++) {
      for (String task : tasks) {
        List<Sentence> own = sentences.stream().filter(s -> s.taskId().equals(task)).toList();
        List<Sentence> part = new ArrayList<>();
        int step = Math.max(1, own.size() / BATCH);
        for (int i = batch % step; i < own.size() && part.size() < BATCH; i += step) {
          part.add(own.get(i));
        }
        teach(task, part);
      }
    }
  }

  private void teach(String task, List<Sentence> examples) {
    int before = reports(task).size();
    String topic = app.topics.labels().name();
    for (Sentence sentence : examples) {
      LabelEvent event =
          LabelEvent.newBuilder()
              .setTaskId(task)
              .setText(sentence.text())
              .setTextPair(sentence.textPair())
              .setLabel(sentence.label())
              .setSource("demo")
              .setCreatedAt(Instant.now())
              .build();
      app.send(topic, task, app.codec.serialize(topic, event));
    }
    app.flush();
    Awaitility.await("a report on " + task)
        .atMost(Duration.ofMinutes(2))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> reports(task).size() > before);
  }

  List<AdaptationReport> reports(String task) {
    app.readOutputs();
    return app.records(app.topics.reports()).stream()
        .map(r -> app.codec.deserialize(r.topic(), r.value(), AdaptationReport.class))
        .filter(report -> report.getTaskId().equals(task))
        .toList();
  }

  /** The next sentences of the demo, as requests. */
  void ask(int count) {
    for (int i = 0; i < count; i++) {
      // A step that is prime to their number mixes the tasks.
      Sentence sentence = sentences.get((int) (requests * 101L % sentences.size()));
      app.request(
          "key-" + requests,
          AppFixture.request("request-" + requests++, sentence.taskId(), sentence.text())
              .setTextPair(sentence.textPair()));
    }
    app.flush();
  }

  /** Until none of them waits any more. */
  void awaitAnswers() {
    Awaitility.await("an answer to each of " + requests)
        .atMost(Duration.ofMinutes(2))
        .until(
            () -> {
              app.readOutputs();
              return app.predictionRecords().size() >= requests;
            });
  }

  /** What nobody can answer, for several reasons. */
  void misuse() {
    app.request("a", AppFixture.request("bad-1", "support-rooting", "My parcel never came."));
    app.request("a", AppFixture.request("bad-2", "support-rooting", "I was billed twice."));
    app.request("a", AppFixture.request("bad-3", "emotion", "   "));
    app.request("a", AppFixture.request("bad-4", "aspect-sentiment", "the soup"));
    app.send(app.topics.requests().name(), "a", "no Avro".getBytes(StandardCharsets.UTF_8));
    String labels = app.topics.labels().name();
    app.send(
        labels,
        TAUGHT,
        app.codec.serialize(
            labels,
            LabelEvent.newBuilder()
                .setTaskId(TAUGHT)
                .setText("There is a hole in our street.")
                .setLabel("roads")
                .setCreatedAt(Instant.now())
                .build()));
    app.flush();
  }
}
