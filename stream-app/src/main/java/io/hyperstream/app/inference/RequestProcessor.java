package io.hyperstream.app.inference;

import io.hyperstream.app.inference.Outcome.Answered;
import io.hyperstream.app.inference.Outcome.Rejected;
import io.hyperstream.app.streams.ErrorCode;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Joins each request with its outcome and forwards it, keys and event times as they are, to {@link
 * #PREDICTIONS} or {@link #DEAD_LETTERS}. Stateless: exactly-once holds because a record is
 * finished when {@link #process} returns.
 */
final class RequestProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String PREDICTIONS = "predictions";
  static final String DEAD_LETTERS = "dead-letters";

  private final Prefetcher prefetcher;
  private final PredictionRecords output;
  private final InferenceMetrics metrics;
  private final String requestsTopic;
  private ProcessorContext<byte[], byte[]> context;

  RequestProcessor(
      Prefetcher prefetcher,
      PredictionRecords output,
      InferenceMetrics metrics,
      String requestsTopic) {
    this.prefetcher = prefetcher;
    this.output = output;
    this.metrics = metrics;
    this.requestsTopic = requestsTopic;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> processorContext) {
    context = processorContext;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata at = context.recordMetadata().orElseThrow();
    RawRequest raw =
        new RawRequest(
            new TopicPartition(at.topic(), at.partition()),
            at.offset(),
            record.timestamp(),
            record.value(),
            record.headers());
    PendingRequest pending = prefetcher.take(raw);
    try {
      Outcome outcome = forward(record, pending, prefetcher.join(pending));
      metrics.requests.increment();
      InferenceSpans.finish(pending.span(), outcome);
    } catch (RuntimeException e) {
      InferenceSpans.finish(pending.span(), e);
      throw e;
    }
  }

  /** The outcome in the end. */
  private Outcome forward(Record<byte[], byte[]> record, PendingRequest pending, Outcome joined) {
    Outcome outcome = joined;
    if (outcome instanceof Answered answered) {
      outcome = forwardPrediction(record, pending, answered);
    }
    if (outcome instanceof Rejected rejected) {
      context.forward(now(output.deadLetter(record, pending, rejected)), DEAD_LETTERS);
      metrics.deadLetters(rejected.code()).increment();
    }
    return outcome;
  }

  /** Forwards it unless it is too large; then it becomes a rejection. */
  private Outcome forwardPrediction(
      Record<byte[], byte[]> record, PendingRequest pending, Answered answered) {
    byte[] prediction = output.encode(answered);
    if (prediction.length > output.maxBytes()) {
      return new Rejected(
          ErrorCode.PREDICTION_TOO_LARGE,
          "the prediction has "
              + prediction.length
              + " bytes, a record takes "
              + output.maxBytes()
              + "; shorten the attributes or the labels' names");
    }
    context.forward(now(output.prediction(record, prediction, pending)), PREDICTIONS);
    metrics.predictions.increment();
    if (answered.prediction().abstained().isPresent()) {
      metrics.abstained(answered.task().taskId()).increment();
    }
    metrics.endToEnd.record(
        Math.max(0, context.currentSystemTimeMs() - pending.raw().timestamp()),
        TimeUnit.MILLISECONDS);
    return answered;
  }

  /** At its own time: with that of an old request it would soon be removed. */
  private Record<byte[], byte[]> now(Record<byte[], byte[]> written) {
    return written.withTimestamp(context.currentSystemTimeMs());
  }

  @Override
  public void close() {
    if (context != null) {
      prefetcher.evict(new TopicPartition(requestsTopic, context.taskId().partition()));
    }
  }
}
