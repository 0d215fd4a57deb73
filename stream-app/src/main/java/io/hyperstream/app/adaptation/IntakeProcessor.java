package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourceKind;
import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks each record by itself and forwards it under the key of its owner: that of its task, or of
 * the request it is about. Records that can never be valid go to the dead letters.
 */
final class IntakeProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  private static final Logger LOG = LoggerFactory.getLogger(IntakeProcessor.class);

  private final Topics topics;
  private final RetryingDecoder reader;
  private final SourcedRecords records;
  private final InputLimits limits;
  private final boolean labelsByRequest;
  private final AdaptationMetrics metrics;
  private ProcessorContext<byte[], byte[]> context;

  IntakeProcessor(
      Topics topics,
      RetryingDecoder reader,
      SourcedRecords records,
      InputLimits limits,
      boolean labelsByRequest,
      AdaptationMetrics metrics) {
    this.topics = topics;
    this.reader = reader;
    this.records = records;
    this.limits = limits;
    this.labelsByRequest = labelsByRequest;
    this.metrics = metrics;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> processorContext) {
    context = processorContext;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    String topic = context.recordMetadata().orElseThrow().topic();
    if (topic.equals(topics.labels().name())) {
      checked(SourceKind.LABEL, record, this::label);
    } else if (topic.equals(topics.commands().name())) {
      checked(SourceKind.COMMAND, record, this::command);
    } else if (topic.equals(topics.definitions().name())) {
      definition(record);
    } else {
      request(record);
    }
  }

  @FunctionalInterface
  private interface Check {
    void check(Record<byte[], byte[]> record, SourcedRecord sourced) throws InvalidInputException;
  }

  private void checked(SourceKind kind, Record<byte[], byte[]> record, Check check) {
    SourcedRecord sourced = sourced(kind, record);
    try {
      limits.checkSize(record.value());
      check.check(record, sourced);
    } catch (UndecodableRecordException e) {
      records.reject(context, sourced, ErrorCode.UNDECODABLE, e.getMessage());
    } catch (InvalidInputException e) {
      records.reject(context, sourced, e.code(), e.getMessage());
    }
  }

  private SourcedRecord sourced(SourceKind kind, Record<byte[], byte[]> record) {
    return records.read(kind, context.recordMetadata().orElseThrow(), record);
  }

  private void label(Record<byte[], byte[]> record, SourcedRecord sourced)
      throws InvalidInputException {
    LabelEvent label = reader.read(topics.labels().name(), record.value(), LabelEvent.class);
    limits.check(label);
    sourced.setTaskId(label.getTaskId());
    if (label.getText() != null) {
      sourced.setText(label.getText());
      sourced.setTextPair(label.getTextPair());
      toOwner(sourced);
    } else if (labelsByRequest) {
      toRequest(sourced, RequestKeys.of(label.getRequestId()));
    } else {
      throw new InvalidInputException(
          ErrorCode.UNMATCHED_LABEL,
          "the label names a request instead of a text, and labels by request are off; send the"
              + " text with it, or set hyperstream.adaptation.labels-by-request");
    }
  }

  private void command(Record<byte[], byte[]> record, SourcedRecord sourced)
      throws InvalidInputException {
    AdaptationCommand command =
        reader.read(topics.commands().name(), record.value(), AdaptationCommand.class);
    limits.check(command);
    sourced.setTaskId(command.getTaskId());
    toOwner(sourced);
    if (labelsByRequest && command.getAction() == AdaptationAction.FORGET) {
      sourced.setText(command.getText());
      sourced.setTextPair(command.getTextPair());
      toRequest(sourced, RequestKeys.EVERYONE);
    }
  }

  /**
   * Requests of a task that cannot be served become dead letters elsewhere; here it stays as is.
   */
  private void definition(Record<byte[], byte[]> record) {
    SourcedRecord sourced = sourced(SourceKind.DEFINITION, record);
    sourced.setTimestamp(context.currentSystemTimeMs()); // see definitionsFirst
    try {
      if (record.key() == null) {
        throw new IllegalArgumentException("its record has no key");
      }
      String taskId = new String(record.key(), StandardCharsets.UTF_8);
      sourced.setTaskId(taskId);
      if (record.value() != null) { // whatever its id: what there is of a task is erased
        TaskDefinition written =
            reader.read(topics.definitions().name(), record.value(), TaskDefinition.class);
        TaskDefinitions.check(taskId, written);
      }
      toOwner(sourced);
      if (labelsByRequest && record.value() == null) {
        toRequest(sourced, RequestKeys.EVERYONE);
      }
    } catch (UndecodableRecordException | IllegalArgumentException e) {
      metrics.invalidDefinitions.increment();
      ignored(sourced, e.getMessage());
    }
  }

  @SuppressWarnings("try") // the fields last as long as the block
  private static void ignored(SourcedRecord definition, String why) {
    try (LogFields fields = LogFields.ofTask(definition.getTaskId())) {
      LOG.warn(
          "Adaptation ignores the definition at offset {} of partition {}: {}",
          definition.getOffset(),
          definition.getPartition(),
          why);
    }
  }

  /** A request that cannot be answered can have no label either; it is no dead letter twice. */
  private void request(Record<byte[], byte[]> record) {
    try {
      limits.checkSize(record.value());
      InferenceRequest request =
          reader.read(topics.requests().name(), record.value(), InferenceRequest.class);
      limits.check(request);
      SourcedRecord sourced = sourced(SourceKind.REQUEST, record);
      sourced.setKey(null);
      sourced.setValue(null);
      sourced.setTaskId(request.getTaskId());
      sourced.setText(request.getText());
      sourced.setTextPair(request.getTextPair());
      toRequest(sourced, RequestKeys.of(request.getRequestId()));
    } catch (UndecodableRecordException | InvalidInputException e) {
      LOG.debug("Not a request to remember", e);
    }
  }

  private void toOwner(SourcedRecord sourced) {
    byte[] taskId = sourced.getTaskId().getBytes(StandardCharsets.UTF_8);
    forward(sourced, taskId, AdaptationTopology.TO_OWNER);
  }

  private void toRequest(SourcedRecord sourced, byte[] key) {
    forward(sourced, key, AdaptationTopology.TO_REQUEST);
  }

  /** Its headers and its time travel inside it; a broker may refuse records of another day. */
  private void forward(SourcedRecord sourced, byte[] key, String child) {
    context.forward(
        new Record<>(key, records.encode(sourced), context.currentSystemTimeMs()), child);
  }
}
