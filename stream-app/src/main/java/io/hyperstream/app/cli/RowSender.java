package io.hyperstream.app.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Streams the rows of a file into a topic. When it returns, everything sent is acknowledged by all
 * replicas; otherwise it throws. One thread, one file per instance.
 */
final class RowSender {
  private final Console console;
  private final String what;
  private final boolean skipBad;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final AtomicLong acknowledged = new AtomicLong();
  private long bad;

  /**
   * @param what a row becomes, as in "request"
   * @param skipBad report unusable rows and go on, instead of stopping at the first
   */
  RowSender(Console console, String what, boolean skipBad) {
    this.console = console;
    this.what = what;
    this.skipBad = skipBad;
  }

  /**
   * Sends all rows.
   *
   * @param toRecord may throw {@link InputRow.BadRowException}
   */
  void send(
      InputReader rows,
      Connection cluster,
      Function<InputRow, ProducerRecord<String, byte[]>> toRecord)
      throws IOException {
    try (Producer<String, byte[]> producer = cluster.producer();
        ProgressBar progress =
            new ProgressBar(console, "sending " + what + "s", ProgressBar.Unit.ROWS, -1)) {
      sendAll(rows, producer, progress, toRecord);
      producer.flush();
    }
    checkDelivery();
  }

  // Each send's outcome reaches the callback; close and flush wait for all of them.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void sendAll(
      InputReader rows,
      Producer<String, byte[]> producer,
      ProgressBar progress,
      Function<InputRow, ProducerRecord<String, byte[]>> toRecord)
      throws IOException {
    while (true) {
      try {
        Optional<InputRow> row = rows.next();
        if (row.isEmpty()) {
          return;
        }
        producer.send(
            toRecord.apply(row.get()),
            (metadata, exception) -> {
              if (exception == null) {
                acknowledged.incrementAndGet();
              } else {
                failure.compareAndSet(null, exception);
              }
            });
      } catch (InputRow.BadRowException e) {
        if (!skipBad || e.endsFile()) {
          producer.flush();
          throw CommandFailure.failed(
              e.getMessage()
                  + " ("
                  + acknowledged
                  + " rows before it were sent"
                  + (e.endsFile() ? ")" : "; --skip-bad goes on)"));
        }
        bad++;
        progress.clear();
        console.note(e.getMessage());
      }
      checkDelivery();
      progress.advance(1);
    }
  }

  private void checkDelivery() {
    Exception cause = failure.get();
    if (cause != null) {
      throw CommandFailure.failed(
          "a "
              + what
              + " was not delivered ("
              + acknowledged
              + " were): "
              + Failures.sentence(cause, true),
          cause);
    }
  }

  /** Says how much was sent, and returns the command's exit status. */
  int report(String topic, boolean json) {
    report(console, what, acknowledged.get(), bad, topic, json);
    return bad == 0 ? ExitCodes.OK : ExitCodes.FAILURE;
  }

  static void report(
      Console console, String what, long sent, long bad, String topic, boolean json) {
    if (json) {
      Map<String, Object> summary = new LinkedHashMap<>();
      summary.put("sent", sent);
      summary.put("bad", bad);
      console.printJson(summary);
    } else {
      console.note("sent " + sent + " " + what + (sent == 1 ? "" : "s") + " to " + topic);
    }
  }
}
