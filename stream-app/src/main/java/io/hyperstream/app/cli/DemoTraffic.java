package io.hyperstream.app.cli;

import io.hyperstream.schemas.Prediction;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Sends the demo's sentences through the topics and notes what comes back: first all at once, then
 * at a steady rate with a few records in between that cannot be answered, then whatever the second
 * part asks. One run per instance.
 */
final class DemoTraffic implements AutoCloseable {
  private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long SETTLE_MILLIS = 1000;
  private static final double PACED_SHARE = 0.5;
  private static final double PACED_SECONDS = 15;
  private static final int PACED_AT_LEAST = 40;

  private final Connection cluster;
  private final DemoResults results = new DemoResults();
  private final List<DemoSentence> sentences;
  private final LiveTable table;
  private final ProgressBar progress;
  private final String run = UUID.randomUUID().toString().substring(0, 8);
  private final RequestClient client;
  private int sequence;
  private volatile double throughput;
  private volatile double pacedRate;

  DemoTraffic(
      Connection cluster, List<DemoSentence> sentences, LiveTable table, ProgressBar progress) {
    this.cluster = cluster;
    this.sentences = new ArrayList<>(sentences);
    Collections.shuffle(this.sentences, new Random(7));
    this.table = table;
    this.progress = progress;
    this.client = new RequestClient(cluster, "demo", this::note);
  }

  DemoResults results() {
    return results;
  }

  /** Requests per second of the burst. */
  double throughput() {
    return throughput;
  }

  /** Requests per second of the steady phase. */
  double pacedRate() {
    return pacedRate;
  }

  /** The first part: sends everything and returns when it is answered, or answers stop coming. */
  void run() throws InterruptedException {
    client.listen();
    burst();
    if (results.complete()) {
      paced();
    }
    awaitAnswers();
  }

  /** Waits for what is still to come, then stops listening. */
  void finish() throws InterruptedException {
    awaitAnswers();
    // Doubles would come after the first answers.
    TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
    client.finish(Duration.ofSeconds(10));
  }

  private void burst() throws InterruptedException {
    long started = System.nanoTime();
    for (DemoSentence sentence : sentences) {
      send(sentence, DemoResults.Phase.BURST, System.nanoTime());
    }
    client.flush();
    awaitAnswers();
    double seconds = Math.max(1e-3, (results.lastAnswerNanos() - started) / 1e9);
    throughput = results.answered() / seconds;
  }

  private void paced() throws InterruptedException {
    pacedRate = Math.max(2, throughput * PACED_SHARE);
    int count =
        Math.min(sentences.size(), Math.max(PACED_AT_LEAST, (int) (pacedRate * PACED_SECONDS)));
    List<Runnable> bad = badRequests();
    int badEvery = Math.max(1, count / (bad.size() + 1));
    long started = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = started + (long) (i * 1e9 / pacedRate);
      sleepUntil(due);
      send(sentences.get(i), DemoResults.Phase.PACED, due);
      int next = i / badEvery;
      if (i % badEvery == badEvery - 1 && next < bad.size()) {
        bad.get(next).run();
      }
      client.throwFailure();
    }
    client.flush();
  }

  private List<Runnable> badRequests() {
    return List.of(
        () -> sendBad(request("no-such-task", "Who is going to answer this?", Optional.empty())),
        () -> sendBad(request("product-review", "   ", Optional.empty())),
        () -> sendBad(request("aspect-sentiment", "food", Optional.empty())),
        () -> sendBad("this is no Avro".getBytes(StandardCharsets.UTF_8)));
  }

  /** Sends a sentence and notes it. */
  void send(DemoSentence sentence, DemoResults.Phase phase, long due) {
    String requestId = nextId();
    results.sent(requestId, new DemoResults.Sent(Optional.of(sentence), phase, due));
    client.send(
        requestId,
        client.request(requestId, sentence.taskId(), sentence.text(), sentence.textPair()));
  }

  private byte[] request(String taskId, String text, Optional<String> textPair) {
    return client.request(run + "-bad", taskId, text, textPair);
  }

  private void sendBad(byte[] value) {
    String requestId = nextId();
    results.sent(
        requestId,
        new DemoResults.Sent(Optional.empty(), DemoResults.Phase.PACED, System.nanoTime()));
    client.send(requestId, value);
  }

  /** Sends any record; a failure shows while waiting for answers. */
  void send(ProducerRecord<String, byte[]> record) {
    client.send(record);
  }

  private String nextId() {
    return String.format(Locale.ROOT, "%s-%05d", run, sequence++);
  }

  static void sleepUntil(long nanos) throws InterruptedException {
    for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  /** Returns when everything sent is answered, or answers stop coming. */
  void awaitAnswers() throws InterruptedException {
    int answered = results.answered();
    long since = System.nanoTime();
    while (!results.complete()) {
      client.throwFailure();
      TimeUnit.MILLISECONDS.sleep(5);
      int now = results.answered();
      if (now != answered) {
        answered = now;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > STALL_NANOS) {
        return;
      }
    }
  }

  private void note(ConsumerRecord<byte[], byte[]> record, long now) {
    if (record.topic().equals(cluster.topics().deadLetters().name())) {
      DeadLetter letter = new DeadLetter(record);
      results.deadLetter(
          String.valueOf(Rendering.key(record)),
          new DemoResults.Refused(letter.code(), letter.message()),
          now);
      return;
    }
    Prediction prediction =
        cluster.codec().deserialize(record.topic(), record.value(), Prediction.class);
    results
        .predicted(
            prediction.getRequestId(),
            Rendering.answer(prediction),
            prediction.getScore(),
            prediction.getAdapterVersion(),
            now)
        .ifPresent(this::show);
  }

  private void show(DemoResults.Answer answer) {
    if (answer.sent().phase() == DemoResults.Phase.BURST) {
      progress.advance(1);
    } else if (answer.sent().phase() == DemoResults.Phase.PACED) {
      progress.close();
      table.add(
          answer,
          String.format(
              Locale.ROOT,
              "  %d answered at a steady %.0f/s; ✓ agrees with the person's label",
              results.answered(),
              pacedRate));
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
