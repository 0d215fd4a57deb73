package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.core.ConditionTimeoutException;

/** A teacher who gives {@link Lessons} without end, and the books about what came of them. */
final class School implements AutoCloseable {
  private final Lessons lessons;
  private final Topics topics;
  private final RecordCodec codec;
  private final long pauseNanos;
  private final KafkaProducer<byte[], byte[]> producer;
  private final AdaptationBooks books;
  private final AtomicInteger taught = new AtomicInteger();
  private final Set<String> asked = ConcurrentHashMap.newKeySet();
  private final Thread teacher = new Thread(this::teach, "fault-teacher");
  private volatile Exception failure; // null while all is well
  private volatile boolean over;

  /**
   * The teacher begins at once.
   *
   * @param pause between lessons
   */
  School(
      Topics topics, RecordCodec codec, String bootstrapServers, Lessons lessons, Duration pause) {
    this.topics = topics;
    this.codec = codec;
    this.lessons = lessons;
    pauseNanos = pause.toNanos();
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrapServers, "linger.ms", 5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    books = new AdaptationBooks(topics, codec, bootstrapServers, asked::contains);
    for (TaskDefinition task : lessons.tasks()) {
      send(topics.definitions(), task.getTaskId(), task);
    }
    producer.flush();
    teacher.setDaemon(true);
    teacher.start();
  }

  private void send(Topic topic, String key, SpecificRecord record) {
    send(record(topic, key, record));
  }

  private void send(ProducerRecord<byte[], byte[]> record) {
    var unused =
        producer.send(
            record,
            (metadata, e) -> {
              if (e != null) {
                failure = e;
              }
            });
  }

  private ProducerRecord<byte[], byte[]> record(Topic topic, String key, SpecificRecord record) {
    byte[] value = codec.serialize(topic.name(), record);
    return new ProducerRecord<>(topic.name(), key.getBytes(StandardCharsets.UTF_8), value);
  }

  private void teach() {
    while (!over) {
      Lessons.Lesson lesson = lessons.lesson(taught.get());
      send(topics.labels(), lesson.event().getTaskId(), lesson.event());
      taught.incrementAndGet();
      LockSupport.parkNanos(pauseNanos);
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

  /** Ids, also in the header, of the requests that {@link #awaitServed} sent. */
  Set<String> asked() {
    return asked;
  }

  /** Returns how many lessons there were. */
  int endLessons() throws InterruptedException {
    over = true;
    LockSupport.unpark(teacher);
    teacher.join(10_000);
    producer.flush();
    if (failure != null) {
      throw new IllegalStateException("a lesson could not be sent", failure);
    }
    return taught.get();
  }

  /**
   * What each task has learnt from or keeps to judge with: an evaluation tells. Orders and labels
   * are on different topics, so an order may overtake the last labels; more are given. What is
   * lost, or counted twice, stays so however often one asks.
   *
   * @param alive throws if the application has ended
   */
  Map<String, Integer> countExamples(Runnable alive, Map<String, Integer> expected) {
    Map<String, Integer> counts = new ConcurrentHashMap<>();
    AtomicInteger round = new AtomicInteger();
    try {
      await("the examples of each task")
          .pollInSameThread() // as in FaultGround
          .atMost(FaultGround.PATIENCE)
          .pollInterval(Duration.ofSeconds(1))
          .until(
              () -> {
                counts.putAll(count(alive, expected.keySet(), round.getAndIncrement()));
                return counts.equals(expected);
              });
    } catch (ConditionTimeoutException e) {
      // Whoever asked says what differs.
    }
    return counts;
  }

  private Map<String, Integer> count(Runnable alive, Set<String> taskIds, int round) {
    Map<String, Integer> counts = new TreeMap<>();
    String order = "count-" + round + "-";
    taskIds.forEach(taskId -> orderEvaluation(taskId, order + taskId));
    producer.flush();
    for (String taskId : taskIds) {
      AdaptationReport report = reportOn(alive, order + taskId);
      counts.put(taskId, report.getExamples() + report.getHeldOut());
    }
    return counts;
  }

  private void orderEvaluation(String taskId, String commandId) {
    AdaptationCommand evaluate =
        AdaptationCommand.newBuilder()
            .setCommandId(commandId)
            .setTaskId(taskId)
            .setAction(AdaptationAction.EVALUATE)
            .setCreatedAt(Instant.now())
            .build();
    send(topics.commands(), taskId, evaluate);
  }

  /** Jobs still due are done first, one at a time: patience counts from the last report. */
  private AdaptationReport reportOn(Runnable alive, String commandId) {
    while (books.reportOn(commandId).isEmpty()) {
      int before = books.reports();
      FaultGround.awaitFrom(
          alive,
          "another report, at last that on " + commandId,
          () -> {
            books.read();
            return books.reports() > before;
          });
    }
    return books.reportOn(commandId).orElseThrow();
  }

  /**
   * Asks each task until the version that was published last answers.
   *
   * @param alive throws if the application has ended
   */
  void awaitServed(Runnable alive) {
    for (TaskDefinition task : lessons.tasks()) {
      String taskId = task.getTaskId();
      AtomicInteger number = new AtomicInteger();
      FaultGround.awaitFrom(
          alive,
          "the last version of " + taskId + " to answer",
          () -> {
            String id = taskId + "-" + number.getAndIncrement();
            ask(id, taskId);
            FaultGround.awaitFrom(
                alive,
                "an answer to " + id,
                () -> {
                  books.read();
                  return books.prediction(id).isPresent();
                });
            long served = books.served(taskId).orElse(0L); // 0: nothing was good enough yet
            return books.prediction(id).orElseThrow().getAdapterVersion() == served;
          });
    }
  }

  private void ask(String id, String taskId) {
    ProducerRecord<byte[], byte[]> record =
        record(
            topics.requests(),
            taskId,
            InferenceRequest.newBuilder()
                .setRequestId(id)
                .setTaskId(taskId)
                .setText("is room 7 free today")
                .setCreatedAt(Instant.now())
                .build());
    record.headers().add(Load.ID_HEADER, id.getBytes(StandardCharsets.UTF_8));
    asked.add(id);
    send(record);
    producer.flush();
  }

  /** Waits until the books hold all there is; only while no application is running. */
  void readToTheEnd() {
    await("the books at the end")
        .pollInSameThread()
        .atMost(FaultGround.PATIENCE)
        .until(books::read);
  }

  /** What is wrong with the versions: a gap, a repetition, not what reports say, not served. */
  List<String> faults() {
    List<String> faults = new ArrayList<>();
    for (TaskDefinition task : lessons.tasks()) {
      String taskId = task.getTaskId();
      List<Long> versions = books.versions(taskId);
      List<Long> counted = LongStream.rangeClosed(1, versions.size()).boxed().toList();
      if (!versions.equals(counted)) {
        faults.add(taskId + " has versions " + versions);
      }
      if (!versions.equals(books.promotions(taskId))) {
        faults.add(
            taskId + " has versions " + versions + ", reports say " + books.promotions(taskId));
      }
      long served = books.served(taskId).orElse(0L);
      if (served != versions.size()) {
        faults.add(taskId + " has versions " + versions + " and is served with " + served);
      }
    }
    return faults;
  }

  @Override
  public void close() {
    over = true;
    LockSupport.unpark(teacher);
    try {
      teacher.join(10_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(5));
    books.close();
  }
}
