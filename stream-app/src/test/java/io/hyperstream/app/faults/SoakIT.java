package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes long, so it is no part of {@code mvn verify}; see {@code infra/faults/soak.sh}. */
@Tag("soak")
@DisplayName("The application, under full load for long, learning all the while")
@ExtendWith(SharedCluster.class)
class SoakIT {
  private static final Logger LOG = LoggerFactory.getLogger(SoakIT.class);
  private static final String NAME = "soak";
  private static final int RECORDS =
      Integer.getInteger("hyperstream.faults.soak.records", 1_000_000);
  private static final int AHEAD = 2_000;
  private static final int EXAMPLES_PER_LABEL = 16;
  private static final Duration SAMPLE_EVERY = Duration.ofSeconds(2);

  /** All of the heap is there from the start: what grows then is outside it, or ends it. */
  private static final List<String> JAVA =
      List.of("-Xms320m", "-Xmx320m", "-XX:+AlwaysPreTouch", "-XX:+ExitOnOutOfMemoryError");

  @Test
  @DisplayName("answers each request once, and needs no more at the end than at the beginning")
  void flat() throws Exception {
    long start = System.nanoTime();
    Map<String, String> settings =
        new TreeMap<>(FaultSettings.fromSystemProperties().application());
    settings.put("roles", "inference,adaptation");
    settings.put("model.threads", "1");
    for (String setting : List.of("model.name", "model.dir")) {
      String value = System.getProperty("hyperstream.faults.soak." + setting);
      if (value != null) {
        settings.put(setting, value);
      }
    }
    try (FaultEnvironment environment = new FaultEnvironment(NAME, settings)) {
      Topics topics = environment.topics();
      Traffic traffic = new Traffic(1);
      defineTasks(environment, traffic);
      ServeProcess process = environment.launch(JAVA);
      try (AnswerCounter answers = new AnswerCounter(NAME, topics, environment.bootstrapServers());
          LabelProducer labelProducer =
              new LabelProducer(
                  topics,
                  environment.codec(),
                  environment.bootstrapServers(),
                  new LabelSequence(1, EXAMPLES_PER_LABEL),
                  Duration.ofSeconds(1));
          Load load =
              new Load(
                      traffic,
                      environment.codec(),
                      topics.requests().name(),
                      environment.bootstrapServers(),
                      answers::answered,
                      new Load.Flow(RECORDS, AHEAD, 1_000_000, true))
                  .start()) {
        List<SoakSample> samples = watch(process, answers);
        load.finish(Duration.ofMinutes(1));
        await("the last answers")
            .atMost(FaultEnvironment.PATIENCE)
            .until(() -> answers.answered() >= load.sent());
        labelProducer.stopAndCount();
        process.terminate(Duration.ofSeconds(30));
        labelProducer.readToTheEnd();
        double seconds = (System.nanoTime() - start) / 1e9;
        SoakResult result = SoakResult.of(samples);
        Files.writeString(Path.of("target", "faults", "soak.tsv"), SoakSample.table(samples));
        LOG.info(
            "{} requests, {} answered twice or never sent, {} labels, {} versions, {} s\n{}",
            load.sent(),
            answers.surplus(),
            labelProducer.sent(),
            labelProducer.output().versions(),
            Math.round(seconds),
            result);
        assertThat(answers.surplus()).as("answers beyond the first").isZero();
        assertThat(labelProducer.output().reports()).as("adaptations").isPositive();
        assertThat(result.growing()).as("%s", result).isEmpty();
      }
    }
  }

  private static List<SoakSample> watch(ServeProcess process, AnswerCounter answers)
      throws Exception {
    List<SoakSample> samples = new ArrayList<>();
    long progressAt = System.nanoTime();
    int before = 0;
    while (answers.answered() < RECORDS) {
      process.requireAlive();
      int answered = answers.answered();
      if (answered > before) {
        progressAt = System.nanoTime();
        before = answered;
        samples.add(SoakSample.of(process.pid(), answered, answers.lag()));
        if (samples.size() % 30 == 0) {
          LOG.info("{}", samples.get(samples.size() - 1));
        }
      } else if (System.nanoTime() - progressAt > FaultEnvironment.PATIENCE.toNanos()) {
        throw new AssertionError(
            "no answer for " + FaultEnvironment.PATIENCE + " after " + answered);
      }
      LockSupport.parkNanos(SAMPLE_EVERY.toNanos());
    }
    return samples;
  }

  private static void defineTasks(FaultEnvironment environment, Traffic traffic) throws Exception {
    String topic = environment.topics().definitions().name();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", environment.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (TaskDefinition task : traffic.tasks()) {
        byte[] key = task.getTaskId().getBytes(StandardCharsets.UTF_8);
        producer
            .send(new ProducerRecord<>(topic, key, environment.codec().serialize(topic, task)))
            .get(1, TimeUnit.MINUTES);
      }
    }
  }
}
