package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

@DisplayName("The adapting application, killed with SIGKILL again and again while labels stream in")
@ExtendWith(SharedCluster.class)
class AdaptationKillIT {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationKillIT.class);
  private static final int KILLS = Integer.getInteger("hyperstream.faults.adaptation.kills", 3);
  private static final FaultSettings SETTINGS = FaultSettings.fromSystemProperties();
  private static final Path TABLE = Path.of("target", "faults", "adaptation-kills.tsv");
  private static final String HEADINGS =
      "seed\tprotocol\tlessons\tkills\tversions\treports\tlongest restart s\trun s\n";

  @BeforeAll
  static void startTable() throws Exception {
    Files.createDirectories(TABLE.getParent());
    Files.writeString(TABLE, HEADINGS);
  }

  @TestFactory
  @DisplayName(
      "loses no example, counts none twice, numbers versions without a gap, serves the last")
  Stream<DynamicTest> runs() {
    return LongStream.range(SETTINGS.seed(), SETTINGS.seed() + SETTINGS.runs())
        .mapToObj(seed -> dynamicTest("seed " + seed, () -> run(seed)));
  }

  private static void run(long seed) throws Exception {
    Instant start = Instant.now();
    SplittableRandom random = new SplittableRandom(seed);
    try (School school = new School("adaptation-kill-" + seed, seed)) {
      int duringStart = KILLS == 1 ? -1 : random.nextInt(1, KILLS);
      for (int kill = 0; kill < KILLS; kill++) {
        ServeProcess application = school.launch();
        if (kill == duringStart) {
          application.awaitLog("Kafka Streams: REBALANCING", FaultGround.PATIENCE);
          application.run(random.nextInt(2_000));
        } else {
          school.awaitProgress(application);
          application.run(random.nextInt(4_000));
        }
        application.kill();
        LOG.info("Kill {} after {} lessons", kill + 1, school.taught());
      }
      ServeProcess last = school.launch();
      school.awaitProgress(last);
      int lessons = school.endLessons();
      Map<String, Integer> expected = school.lessons().examplesAfter(lessons);
      Map<String, Integer> examples = school.countExamples(last, expected);
      for (String taskId : expected.keySet()) {
        school.awaitServed(last, taskId);
      }
      last.terminate(Duration.ofSeconds(30));
      AdaptationBooks books = school.books();
      school.awaitBooks(books::read);
      assertThat(examples).isEqualTo(expected);
      for (String taskId : expected.keySet()) {
        List<Long> versions = books.versions(taskId);
        assertThat(versions)
            .isEqualTo(LongStream.rangeClosed(1, versions.size()).boxed().toList())
            .isEqualTo(books.promotions(taskId));
        assertThat(books.served(taskId).orElse(0L)).isEqualTo(versions.size());
      }
      assertThat(books.versions()).as("versions of any task").isPositive();
      assertThat(books.deadLetters()).isZero();
      String row =
          "%d\t%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f%n"
              .formatted(
                  seed,
                  SETTINGS.protocol(),
                  lessons,
                  KILLS,
                  books.versions(),
                  books.reports(),
                  school.longestRestart().toMillis() / 1e3,
                  Duration.between(start, Instant.now()).toMillis() / 1e3);
      LOG.info("{}{}", HEADINGS, row);
      Files.writeString(TABLE, row, StandardOpenOption.APPEND);
    }
  }

  /** A teacher who never stops, the books, and the application. */
  private static final class School implements AutoCloseable {
    private static final long LESSON_NANOS = 500_000_000;

    private final Lessons lessons;
    private final FaultGround ground;
    private final Topics topics;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AdaptationBooks books;
    private final AtomicInteger taught = new AtomicInteger();
    private final Thread teacher = new Thread(this::teach, "fault-teacher");
    private volatile boolean over;

    School(String name, long seed) throws Exception {
      lessons = new Lessons(seed);
      ground = new FaultGround(name, SETTINGS.application());
      topics = ground.topics();
      producer =
          new KafkaProducer<>(
              Map.of("bootstrap.servers", ground.bootstrapServers(), "linger.ms", 5),
              new ByteArraySerializer(),
              new ByteArraySerializer());
      books = new AdaptationBooks(topics, ground.codec());
      for (TaskDefinition task : lessons.tasks()) {
        send(topics.definitions(), task.getTaskId(), task);
      }
      producer.flush();
      teacher.setDaemon(true);
      teacher.start();
    }

    private void send(Topic topic, String key, SpecificRecord record) {
      byte[] value = ground.codec().serialize(topic.name(), record);
      var unused =
          producer.send(
              new ProducerRecord<>(topic.name(), key.getBytes(StandardCharsets.UTF_8), value));
    }

    private void teach() {
      while (!over) {
        Lessons.Lesson lesson = lessons.lesson(taught.get());
        send(topics.labels(), lesson.event().getTaskId(), lesson.event());
        taught.incrementAndGet();
        LockSupport.parkNanos(LESSON_NANOS);
      }
    }

    Lessons lessons() {
      return lessons;
    }

    AdaptationBooks books() {
      return books;
    }

    int taught() {
      return taught.get();
    }

    Duration longestRestart() {
      return ground.longestRestart();
    }

    ServeProcess launch() {
      return ground.launch();
    }

    /** Waits until a report that this process made is committed. */
    void awaitProgress(ServeProcess process) {
      ground.awaitProgress(
          process,
          "a committed report",
          () -> {
            books.read();
            return books.hasReportSince(process.launched());
          });
    }

    void awaitBooks(BooleanSupplier there) {
      await("the books at the end").atMost(FaultGround.PATIENCE).until(there::getAsBoolean);
    }

    /** Returns how many lessons there were. */
    int endLessons() throws InterruptedException {
      over = true;
      teacher.join(10_000);
      producer.flush();
      return taught.get();
    }

    /**
     * What each task has learnt from or keeps to judge with: an evaluation tells. Orders and labels
     * are on different topics, so an order may overtake the last labels; a few are given. What is
     * lost, or counted twice, stays so however often one asks.
     */
    Map<String, Integer> countExamples(ServeProcess process, Map<String, Integer> expected) {
      Map<String, Integer> counts = new TreeMap<>();
      for (int round = 0; round < 4 && !counts.equals(expected); round++) {
        for (String taskId : expected.keySet()) {
          AdaptationReport report = evaluated(process, taskId, "count-" + round + "-" + taskId);
          counts.put(taskId, report.getExamples() + report.getHeldOut());
        }
      }
      return counts;
    }

    private AdaptationReport evaluated(ServeProcess process, String taskId, String commandId) {
      AdaptationCommand evaluate =
          AdaptationCommand.newBuilder()
              .setCommandId(commandId)
              .setTaskId(taskId)
              .setAction(AdaptationAction.EVALUATE)
              .setCreatedAt(Instant.now())
              .build();
      send(topics.commands(), taskId, evaluate);
      producer.flush();
      // Jobs still due are done first, one at a time: patience counts from the last report.
      while (books.reportOn(commandId).isEmpty()) {
        int before = books.reports();
        FaultGround.awaitFrom(
            process,
            "another report, at last that on " + commandId,
            () -> {
              books.read();
              return books.reports() > before;
            });
      }
      return books.reportOn(commandId).orElseThrow();
    }

    /** Asks until the version that was published last answers. */
    void awaitServed(ServeProcess process, String taskId) {
      AtomicInteger asked = new AtomicInteger();
      FaultGround.awaitFrom(
          process,
          "the last version of " + taskId + " to answer",
          () -> {
            String id = taskId + "-" + asked.getAndIncrement();
            send(
                topics.requests(),
                taskId,
                InferenceRequest.newBuilder()
                    .setRequestId(id)
                    .setTaskId(taskId)
                    .setText("is room 7 free today")
                    .setCreatedAt(Instant.now())
                    .build());
            producer.flush();
            FaultGround.awaitFrom(
                process,
                "an answer to " + id,
                () -> {
                  books.read();
                  return books.prediction(id).isPresent();
                });
            long served = books.served(taskId).orElse(0L); // 0: nothing was good enough yet
            return books.prediction(id).orElseThrow().getAdapterVersion() == served;
          });
    }

    @Override
    public void close() throws IOException {
      over = true;
      try {
        teacher.join(10_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      producer.close(Duration.ofSeconds(5));
      books.close();
      ground.close();
    }
  }
}
