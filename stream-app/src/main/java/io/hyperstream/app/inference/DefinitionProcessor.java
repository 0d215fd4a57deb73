package io.hyperstream.app.inference;

import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds task definitions into the catalog, at the start from the first record on. A record that is
 * no servable definition makes its task invalid, with the reason; it never stops the thread. Its
 * store stays empty: the catalog holds what would be in it.
 */
final class DefinitionProcessor implements Processor<byte[], byte[], Void, Void> {
  private static final Logger LOG = LoggerFactory.getLogger(DefinitionProcessor.class);

  private final TaskCatalog catalog;
  private final RetryingDecoder reader;
  private final InferenceMetrics metrics;
  private ProcessorContext<Void, Void> context;

  DefinitionProcessor(TaskCatalog catalog, RetryingDecoder reader, InferenceMetrics metrics) {
    this.catalog = catalog;
    this.reader = reader;
    this.metrics = metrics;
  }

  @Override
  public void init(ProcessorContext<Void, Void> processorContext) {
    context = processorContext;
  }

  @Override
  @SuppressWarnings("try") // the fields last as long as the block
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata at = context.recordMetadata().orElseThrow();
    if (record.key() == null) {
      metrics.invalidDefinitions.increment();
      LOG.warn("Ignored a definition without a key at offset {} of {}", at.offset(), at.topic());
    } else {
      String taskId = new String(record.key(), StandardCharsets.UTF_8);
      try (LogFields fields = LogFields.ofTask(taskId)) {
        apply(at.topic(), taskId, record.value());
      }
    }
    catalog.reached(at.partition(), at.offset() + 1);
  }

  private void apply(String topic, String taskId, byte[] value) {
    if (value == null) {
      catalog.retire(taskId);
      LOG.info("Task '{}' is retired", taskId);
      return;
    }
    try {
      TaskDefinition written = reader.read(topic, value, TaskDefinition.class);
      catalog.define(TaskDefinitions.check(taskId, written));
      LOG.info("Task '{}' is defined: {}", taskId, written.getKind());
    } catch (NotNowException e) {
      throw e;
    } catch (UndecodableRecordException | IllegalArgumentException | InferenceException e) {
      invalid(taskId, e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("Task '{}' fails in an unexpected way", taskId, e);
      invalid(taskId, e.toString());
    }
  }

  private void invalid(String taskId, String reason) {
    metrics.invalidDefinitions.increment();
    catalog.invalidate(taskId, reason);
    LOG.warn("Task '{}' cannot be served: {}", taskId, reason);
  }
}
