package io.hyperstream.app.inference;

import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Hands adapter versions to the {@link AdapterAdoption}, at the start from the first record on. A
 * damaged record leaves what is served as it is and says so; it never stops the thread. A version
 * of another model is none of this application's. Its store stays empty: the catalog holds what
 * would be in it.
 */
final class AdapterProcessor implements Processor<byte[], byte[], Void, Void> {
  private final String modelId;
  private final RetryingDecoder reader;
  private final AdapterAdoption adoption;
  private ProcessorContext<Void, Void> context;

  AdapterProcessor(String modelId, RetryingDecoder reader, AdapterAdoption adoption) {
    this.modelId = modelId;
    this.reader = reader;
    this.adoption = adoption;
  }

  @Override
  public void init(ProcessorContext<Void, Void> processorContext) {
    context = processorContext;
  }

  @Override
  @SuppressWarnings("try") // the fields last as long as the block
  public void process(Record<byte[], byte[]> record) {
    String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    try (LogFields fields = AdapterAdoption.aboutTaskOf(key)) {
      apply(context.recordMetadata().orElseThrow(), key, record.value());
    } catch (UndecodableRecordException | IllegalArgumentException e) {
      adoption.ignored(key, e.getMessage());
    }
  }

  private void apply(RecordMetadata at, String key, byte[] value) {
    int bar = key.indexOf('|');
    if (bar < 0) {
      throw new IllegalArgumentException("its key should be modelId|taskId");
    }
    String recordModel = key.substring(0, bar);
    String taskId = key.substring(bar + 1);
    if (!recordModel.equals(modelId)) {
      return; // expected: versions of a model that was served before stay in the topic
    }
    if (value == null) {
      adoption.revert(key, taskId);
      return;
    }
    AdapterVersion version = reader.read(at.topic(), value, AdapterVersion.class);
    if (!taskId.equals(version.getTaskId()) || !modelId.equals(version.getModelId())) {
      throw new IllegalArgumentException(
          "the record is about " + version.getModelId() + "|" + version.getTaskId());
    }
    adoption.adopt(
        key,
        version,
        new AdapterAdoption.Place(new TopicPartition(at.topic(), at.partition()), at.offset()));
  }
}
