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
    try (FaultGround ground = new FaultGround(NAME, settings)) {
      Topics topics = ground.topics();
      Traffic traffic = new Traffic(1);
      defineTasks(ground, traffic);
      ServeProcess process = ground.launch(JAVA);
      try (SoakBooks books = new SoakBooks(NAME, topics, ground.bootstrapServers());
          School school =
              new School(
                  topics,
                  ground.codec(),
                  ground.bootstrapServers(),
                  new Lessons(1, EXAMPLES_PER_LABEL),
                  Duration.ofSeconds(1));
          Load load =
              new Load(
                      traffic,
                      ground.codec(),
                      topics.requests().name(),
                      ground.bootstrapServers(),
                      books::answered,
                      new Load.Flow(RECORDS, AHEAD, 1_000_000, true))
                  .start()) {
        List<SoakSample> samples = watch(process, books);
        load.finish(Duration.ofMinutes(1));
        await("the last answers")
            .atMost(FaultGround.PATIENCE)
            .until(() -> books.answered() >= load.sent());
        school.endLessons();
        process.terminate(Duration.ofSeconds(30));
        school.readToTheEnd();
        double seconds = (System.nanoTime() - start) / 1e9;
        SoakVerdict verdict = SoakVerdict.of(samples);
        Files.writeString(Path.of("target", "faults", "soak.tsv"), SoakSample.table(samples));
        LOG.info(
            "{} requests, {} answered twice or unasked, {} lessons, {} versions, {} s\n{}",
            load.sent(),
            books.surplus(),
            school.taught(),
            school.books().versions(),
            Math.round(seconds),
            verdict);
        assertThat(books.surplus()).as("answers beyond the first").isZero();
        assertThat(school.books().reports()).as("adaptations").isPositive();
        assertThat(verdict.growing()).as("%s", verdict).isEmpty();
      }
    }
  }

  private static List<SoakSample> watch(ServeProcess process, SoakBooks books) throws Exception {
    List<SoakSample> samples = new ArrayList<>();
    long progressAt = System.nanoTime();
    int before = 0;
    while (books.answered() < RECORDS) {
      process.requireAlive();
      int answered = books.answered();
      if (answered > before) {
        progressAt = System.nanoTime();
        before = answered;
        samples.add(SoakSample.of(process.pid(), answered, books.lag()));
        if (samples.size() % 30 == 0) {
          LOG.info("{}", samples.get(samples.size() - 1));
        }
      } else if (System.nanoTime() - progressAt > FaultGround.PATIENCE.toNanos()) {
        throw new AssertionError("no answer for " + FaultGround.PATIENCE + " after " + answered);
      }
      LockSupport.parkNanos(SAMPLE_EVERY.toNanos());
    }
    return samples;
  }

  private static void defineTasks(FaultGround ground, Traffic traffic) throws Exception {
    String topic = ground.topics().definitions().name();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", ground.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (TaskDefinition task : traffic.tasks()) {
        byte[] key = task.getTaskId().getBytes(StandardCharsets.UTF_8);
        producer
            .send(new ProducerRecord<>(topic, key, ground.codec().serialize(topic, task)))
            .get(1, TimeUnit.MINUTES);
      }
    }
  }
}
