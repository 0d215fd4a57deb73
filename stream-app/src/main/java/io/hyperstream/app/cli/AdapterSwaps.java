package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prediction;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Publishes one version after the other of a task that half of the traffic asks for, and times each
 * from its commit to the first committed prediction that names it. One run per instance.
 */
final class AdapterSwaps implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 30;
  private static final int LONGEST_PAUSE_MILLIS = 100;

  private final PipelineBench.Side side;
  private final String modelId;
  private final double[] millis;
  private final Producer<byte[], byte[]> producer;
  private final BenchTexts.Text asked;
  private volatile long awaited;
  private volatile CompletableFuture<Long> served = new CompletableFuture<>();

  AdapterSwaps(PipelineBench.Side side, String modelId, int swaps) {
    this.side = side;
    this.modelId = modelId;
    millis = new double[swaps];
    producer = side.cluster().transactionalProducer("hyperstream-bench");
    asked = side.traffic().text(0);
  }

  /**
   * @return milliseconds of each version
   */
  double[] run(double requestsPerSecond) throws InterruptedException {
    FutureTask<Void> publishing = new FutureTask<>(this::publishAll);
    Thread thread = new Thread(publishing, "bench-versions");
    thread.setDaemon(true);
    thread.start();
    side.traffic()
        .steady(
            requestsPerSecond,
            number -> number % 2 == 0 ? asked : side.traffic().text(number),
            () -> !publishing.isDone(),
            this::answered);
    try {
      publishing.get();
    } catch (ExecutionException e) {
      throw CommandFailure.failed(
          "a new version was not served: " + Failures.sentence(e.getCause(), true), e.getCause());
    }
    return millis.clone();
  }

  private void answered(long dueNanos, long nowNanos, ConsumerRecord<byte[], byte[]> record) {
    Prediction prediction =
        side.cluster().codec().deserialize(record.topic(), record.value(), Prediction.class);
    if (prediction.getTaskId().equals(asked.task().getTaskId())
        && prediction.getAdapterVersion() == awaited) {
      served.complete(nowNanos);
    }
  }

  private Void publishAll() throws Exception {
    // The application commits in intervals; no version may keep step with them.
    Random pauses = new Random(1);
    producer.initTransactions();
    for (int i = 0; i < millis.length; i++) {
      millis[i] = publish(i + 1) / 1e6;
      TimeUnit.MILLISECONDS.sleep(pauses.nextInt(LONGEST_PAUSE_MILLIS));
    }
    return null;
  }

  /** Nanoseconds from its commit to its first prediction. */
  // A failed send fails the commit.
  @SuppressWarnings("FutureReturnValueIgnored")
  private long publish(long version) throws InterruptedException, ExecutionException {
    String topic = side.cluster().topics().adapters().name();
    AdapterVersion record =
        AdapterVersion.newBuilder()
            .setTaskId(asked.task().getTaskId())
            .setVersion(version)
            .setModelId(modelId)
            .setForm(AdapterForm.EMBEDDING)
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .setReason("benchmark")
            .build();
    served = new CompletableFuture<>();
    awaited = version;
    producer.beginTransaction();
    producer.send(
        new ProducerRecord<>(
            topic,
            (modelId + "|" + asked.task().getTaskId()).getBytes(StandardCharsets.UTF_8),
            side.cluster().codec().serialize(topic, record)));
    producer.flush();
    long committing = System.nanoTime();
    producer.commitTransaction();
    try {
      return served.get(PATIENCE_SECONDS, TimeUnit.SECONDS) - committing;
    } catch (TimeoutException e) {
      throw CommandFailure.failed(
          "no prediction named version " + version + " within " + PATIENCE_SECONDS + " s");
    }
  }

  @Override
  public void close() {
    producer.close(java.time.Duration.ofSeconds(2));
  }
}
