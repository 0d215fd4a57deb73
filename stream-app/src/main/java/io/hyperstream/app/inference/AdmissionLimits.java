package io.hyperstream.app.inference;

import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.StreamsSettings;

/**
 * How many records are in progress at a time, so that a slow model does not livelock: Kafka Streams
 * drains what it buffered before it polls again or notices a shutdown, and a transaction that takes
 * too long is aborted and repeated for ever. So all that the stream threads of this process can
 * have buffered is answered within one pass.
 *
 * @param recordsPerPoll per thread; also what is buffered of a partition. A partition may be
 *     buffered without being processed yet (during a rebalance), so all of them count.
 * @param windowRows in the engine, per thread
 * @param windowRowsPerPartition of which every partition may have as many in any case
 * @param batchRows so that a batch takes a small part of a pass
 */
record AdmissionLimits(
    int recordsPerPoll, int windowRows, int windowRowsPerPartition, int batchRows) {
  private static final int MOST_RECORDS_PER_POLL = 1_000;
  private static final double BATCHES_PER_PASS = 5;

  /**
   * @param rowsPerSecond of the model
   * @param partitions of the request topic, all of which this process may get
   */
  static AdmissionLimits of(
      double rowsPerSecond, int partitions, StreamsSettings streams, EngineSettings engine) {
    double rowsPerPass = rowsPerSecond * passSeconds(streams);
    int recordsPerPoll =
        streams.maxPollRecords() > 0
            ? streams.maxPollRecords()
            : atLeastOne(
                rowsPerPass / Math.max(streams.threads(), partitions), MOST_RECORDS_PER_POLL);
    return new AdmissionLimits(
        recordsPerPoll,
        atLeastOne(rowsPerPass / streams.threads(), engine.windowRows()),
        Math.min(recordsPerPoll, engine.windowRowsPerPartition()),
        atLeastOne(rowsPerPass / BATCHES_PER_PASS, engine.maxBatchRows()));
  }

  /** The longest a pass may take: a quarter of the transaction timeout, or what is configured. */
  static double passSeconds(StreamsSettings streams) {
    double quarter = streams.transactionTimeout().toMillis() / 4_000.0;
    return Math.min(quarter, streams.maxPass().toMillis() / 1_000.0);
  }

  private static int atLeastOne(double rows, int most) {
    return (int) Math.max(1, Math.min(most, rows));
  }
}
