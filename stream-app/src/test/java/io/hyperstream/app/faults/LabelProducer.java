package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
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

/**
 * Produces the labels of a {@link LabelSequence} without end, and checks what adaptation makes of
 * them.
 */
final class LabelProducer implements AutoCloseable {
  private final LabelSequence sequence;
  private final Topics topics;
  private final RecordCodec codec;
  private final long pauseNanos;
  private final KafkaProducer<byte[], byte[]> producer;
  private final AdaptationOutput output;
  private final AtomicInteger sent = new AtomicInteger();
  private final Set<String> requested = ConcurrentHashMap.newKeySet();
  private final Thread thread = new Thread(this::produce, "fault-labels");
  private volatile Exception failure; // null while all is well
  private volatile boolean stopped;

  /**
   * Starts to produce at once.
   *
   * @param pause between labels
   */
  LabelProducer(
      Topics topics,
      RecordCodec codec,
      String bootstrapServers,
      LabelSequence sequence,
      Duration pause) {
    this.topics = topics;
    this.codec = codec;
    this.sequence = sequence;
    pauseNanos = pause.toNanos();
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrapServers, "linger.ms", 5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    output = new AdaptationOutput(topics, codec, bootstrapServers, requested::contains);
    for (TaskDefinition task : sequence.tasks()) {
      send(topics.definitions(), task.getTaskId(), task);
    }
    producer.flush();
    thread.setDaemon(true);
    thread.start();
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

  private void produce() {
    while (!stopped) {
      LabelEvent label = sequence.event(sent.get());
      send(topics.labels(), label.getTaskId(), label);
      sent.incrementAndGet();
      LockSupport.parkNanos(pauseNanos);
    }
  }

  LabelSequence sequence() {
    return sequence;
  }

  AdaptationOutput output() {
    return output;
  }

  int sent() {
    return sent.get();
  }

  /** Ids, also in the header, of the requests that {@link #awaitServed} sent. */
  Set<String> requested() {
    return requested;
  }

  /** Stops and returns how many labels were sent. */
  int stopAndCount() throws InterruptedException {
    stopped = true;
    LockSupport.unpark(thread);
    thread.join(10_000);
    producer.flush();
    if (failure != null) {
      throw new IllegalStateException("a label could not be sent", failure);
    }
    return sent.get();
  }

  /**
   * How many examples each task has, for training and held out, as an evaluation reports. Commands
   * and labels are on different topics, so a command may overtake the last labels: it is repeated.
   * An example that is lost or counted twice stays so however often this is repeated.
   *
   * @param alive throws if the application has ended
   */
  Map<String, Integer> countExamples(Runnable alive, Map<String, Integer> expected) {
    Map<String, Integer> counts = new ConcurrentHashMap<>();
    AtomicInteger round = new AtomicInteger();
    try {
      await("the examples of each task")
          .pollInSameThread() // as in FaultEnvironment
          .atMost(FaultEnvironment.PATIENCE)
          .pollInterval(Duration.ofSeconds(1))
          .until(
              () -> {
                counts.putAll(count(alive, expected.keySet(), round.getAndIncrement()));
                return counts.equals(expected);
              });
    } catch (ConditionTimeoutException e) {
      // The caller says what differs.
    }
    return counts;
  }

  private Map<String, Integer> count(Runnable alive, Set<String> taskIds, int round) {
    Map<String, Integer> counts = new TreeMap<>();
    String prefix = "count-" + round + "-";
    taskIds.forEach(taskId -> orderEvaluation(taskId, prefix + taskId));
    producer.flush();
    for (String taskId : taskIds) {
      AdaptationReport report = reportOn(alive, prefix + taskId);
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

  /** Earlier jobs run first, one at a time: the timeout counts from the last report. */
  private AdaptationReport reportOn(Runnable alive, String commandId) {
    while (output.reportOn(commandId).isEmpty()) {
      int before = output.reports();
      FaultEnvironment.awaitFrom(
          alive,
          "another report, at last that on " + commandId,
          () -> {
            output.read();
            return output.reports() > before;
          });
    }
    return output.reportOn(commandId).orElseThrow();
  }

  /**
   * Sends requests for each task until the version that was published last answers.
   *
   * @param alive throws if the application has ended
   */
  void awaitServed(Runnable alive) {
    for (TaskDefinition task : sequence.tasks()) {
      String taskId = task.getTaskId();
      AtomicInteger number = new AtomicInteger();
      FaultEnvironment.awaitFrom(
          alive,
          "the last version of " + taskId + " to answer",
          () -> {
            String id = taskId + "-" + number.getAndIncrement();
            request(id, taskId);
            FaultEnvironment.awaitFrom(
                alive,
                "an answer to " + id,
                () -> {
                  output.read();
                  return output.prediction(id).isPresent();
                });
            long served = output.served(taskId).orElse(0L); // 0: nothing was good enough yet
            return output.prediction(id).orElseThrow().getAdapterVersion() == served;
          });
    }
  }

  private void request(String id, String taskId) {
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
    requested.add(id);
    send(record);
    producer.flush();
  }

  /** Waits until all output is read; only while no application is running. */
  void readToTheEnd() {
    await("the end of the output")
        .pollInSameThread()
        .atMost(FaultEnvironment.PATIENCE)
        .until(output::read);
  }

  /** What is wrong with the versions: a gap, a repetition, not what reports say, not served. */
  List<String> faults() {
    List<String> faults = new ArrayList<>();
    for (TaskDefinition task : sequence.tasks()) {
      String taskId = task.getTaskId();
      List<Long> versions = output.versions(taskId);
      List<Long> counted = LongStream.rangeClosed(1, versions.size()).boxed().toList();
      if (!versions.equals(counted)) {
        faults.add(taskId + " has versions " + versions);
      }
      if (!versions.equals(output.promotions(taskId))) {
        faults.add(
            taskId + " has versions " + versions + ", reports say " + output.promotions(taskId));
      }
      long served = output.served(taskId).orElse(0L);
      if (served != versions.size()) {
        faults.add(taskId + " has versions " + versions + " and is served with " + served);
      }
    }
    return faults;
  }

  @Override
  public void close() {
    stopped = true;
    LockSupport.unpark(thread);
    try {
      thread.join(10_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(5));
    output.close();
  }
}
