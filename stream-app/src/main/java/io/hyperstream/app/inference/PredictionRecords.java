package io.hyperstream.app.inference;

import io.hyperstream.app.inference.Outcome.Answered;
import io.hyperstream.app.inference.Outcome.Rejected;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.Label;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.Topics;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.Record;

/** Makes the records of the two output topics. Thread-safe. */
final class PredictionRecords {
  private final OutputRecords output;
  private final String topic;
  private final int maxBytes;
  private final String modelId;
  private final HeaderPolicy headerPolicy;

  PredictionRecords(
      OutputRecords output, Topics topics, String modelId, HeaderPolicy headerPolicy) {
    this.output = output;
    topic = topics.predictions().name();
    // Headers and the batch's own frame need their place too.
    maxBytes = topics.predictions().maxRecordBytes() - headerPolicy.maxBytes() - 4 * 1024;
    this.modelId = modelId;
    this.headerPolicy = headerPolicy;
  }

  /** Bytes of an encoded prediction, at most. */
  int maxBytes() {
    return maxBytes;
  }

  byte[] encode(Answered answered) {
    return output.encode(topic, record(answered));
  }

  /** In the trace of the request's span, if it has one. */
  Record<byte[], byte[]> prediction(
      Record<byte[], byte[]> request, byte[] encoded, PendingRequest pending) {
    return request
        .withValue(encoded)
        .withHeaders(headerPolicy.travelling(traced(request, pending)));
  }

  Record<byte[], byte[]> deadLetter(
      Record<byte[], byte[]> request, PendingRequest pending, Rejected rejected) {
    RawRequest raw = pending.raw();
    return output.deadLetter(
        request.withHeaders(traced(request, pending)),
        raw.partition(),
        raw.offset(),
        rejected.code(),
        rejected.message());
  }

  private static Headers traced(Record<byte[], byte[]> request, PendingRequest pending) {
    return Tracing.with(request.headers(), pending.span().getSpanContext());
  }

  Prediction record(Answered answered) {
    InferenceRequest request = answered.request();
    TaskPrediction answer = answered.prediction();
    Prediction.Builder record =
        Prediction.newBuilder()
            .setRequestId(request.getRequestId())
            .setTaskId(request.getTaskId())
            .setKind(kindOf(answer))
            .setLabel(answer.label().orElse(null))
            .setText(answer.text().orElse(null))
            .setScore(answer.score())
            .setDistribution(distributionOf(answered.task().labels(), answer.distribution()))
            .setModelId(modelId)
            .setAdapterVersion(answer.adapterVersion())
            .setTaught(answer.taught())
            .setTruncated(answer.truncated())
            .setApproximate(answer.approximate())
            .setAttributes(request.getAttributes())
            .setCreatedAt(request.getCreatedAt())
            .setPredictedAt(answered.at())
            .setAbstained(answer.abstained().orElse(null));
    answer.value().ifPresent(record::setValue);
    answer.margin().ifPresent(margin -> record.setMargin((float) margin));
    answer.outOfScope().ifPresent(share -> record.setOutOfScope((float) share));
    return record.build();
  }

  private static TaskKind kindOf(TaskPrediction answer) {
    return switch (answer.kind()) {
      case CLASSIFICATION -> TaskKind.CLASSIFICATION;
      case REGRESSION -> TaskKind.REGRESSION;
      case GENERATION -> TaskKind.GENERATION;
    };
  }

  private static List<LabelProbability> distributionOf(List<Label> labels, float[] probabilities) {
    List<LabelProbability> distribution = new ArrayList<>(probabilities.length);
    for (int i = 0; i < probabilities.length; i++) {
      distribution.add(new LabelProbability(labels.get(i).name(), probabilities[i]));
    }
    return distribution;
  }
}
