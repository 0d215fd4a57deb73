package io.hyperstream.app.inference;

import io.hyperstream.app.streams.GlobalRecordReader;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds adapter versions into the catalog, at the start from the first record on. A version that
 * cannot be applied (another model's, damaged, of a form not served) leaves what is served as it is
 * and says so; it never stops the thread. Its store stays empty: the catalog holds what would be in
 * it.
 */
final class AdapterProcessor implements Processor<byte[], byte[], Void, Void> {
  private static final Logger LOG = LoggerFactory.getLogger(AdapterProcessor.class);

  private final TaskCatalog catalog;
  private final GlobalRecordReader reader;
  private final AdapterFiles files;
  private final InferenceMetrics metrics;
  private final OptionalInt embeddingSize;
  private ProcessorContext<Void, Void> context;

  AdapterProcessor(
      TaskCatalog catalog,
      GlobalRecordReader reader,
      AdapterFiles files,
      InferenceMetrics metrics) {
    this.catalog = catalog;
    this.reader = reader;
    this.files = files;
    this.metrics = metrics;
    embeddingSize = catalog.embeddingSize();
  }

  @Override
  public void init(ProcessorContext<Void, Void> processorContext) {
    context = processorContext;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata at = context.recordMetadata().orElseThrow();
    String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    try {
      apply(at.topic(), key, record.value());
    } catch (NotNowException e) {
      throw e;
    } catch (UndecodableRecordException | IllegalArgumentException e) {
      ignored(key, e.getMessage());
    } catch (IOException | RuntimeException e) {
      LOG.warn("The adapter version under '{}' fails in an unexpected way", key, e);
      ignored(key, e.toString());
    }
  }

  private void apply(String topic, String key, byte[] value) throws IOException {
    int bar = key.indexOf('|');
    if (bar < 0) {
      throw new IllegalArgumentException("its key should be modelId|taskId");
    }
    String modelId = key.substring(0, bar);
    String taskId = key.substring(bar + 1);
    if (!modelId.equals(catalog.modelId())) {
      throw new IllegalArgumentException(
          "it is for model " + modelId + ", this application serves " + catalog.modelId());
    }
    if (value == null) {
      catalog.revert(taskId);
      LOG.info("Task '{}' is served with the model's own start again", taskId);
      return;
    }
    AdapterVersion version = reader.read(topic, value, AdapterVersion.class);
    if (!taskId.equals(version.getTaskId()) || !modelId.equals(version.getModelId())) {
      throw new IllegalArgumentException(
          "the record is about " + version.getModelId() + "|" + version.getTaskId());
    }
    if (version.getVersion() < 1) {
      throw new IllegalArgumentException("versions count from 1; got " + version.getVersion());
    }
    catalog.adopt(new TaskAdapter(taskId, version.getVersion(), formOf(version)));
    LOG.info(
        "Task '{}' is served with version {} ({})",
        taskId,
        version.getVersion(),
        version.getForm());
  }

  private AdapterForm formOf(AdapterVersion version) throws IOException {
    return switch (version.getForm()) {
      case EMBEDDING -> new AdapterForm.Embedding(checked(version.getEmbedding()));
      case WEIGHTS -> {
        if (version.getWeights() == null) {
          throw new IllegalArgumentException(
              "its weights are not in the record; weights in the model store ("
                  + version.getWeightsUri()
                  + ") are not served by this version of the application");
        }
        yield new AdapterForm.Weights(
            files.write(version.getWeights(), Optional.ofNullable(version.getWeightsSha256())));
      }
      case PROTOTYPES, UNKNOWN ->
          throw new IllegalArgumentException(
              "form " + version.getForm() + " is not served by this version of the application");
    };
  }

  private float[] checked(List<Float> embedding) {
    if (embeddingSize.isEmpty()) {
      throw new IllegalArgumentException(
          "it is a task embedding and this model has no hypernetwork");
    }
    if (embedding.size() != embeddingSize.getAsInt()) {
      throw new IllegalArgumentException(
          "a task embedding of this model has "
              + embeddingSize.getAsInt()
              + " numbers; got "
              + embedding.size());
    }
    float[] values = new float[embedding.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = embedding.get(i);
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException("number " + i + " of the embedding is " + values[i]);
      }
    }
    return values;
  }

  private void ignored(String key, String reason) {
    metrics.ignoredAdapters.increment();
    LOG.warn("The adapter version under '{}' is not applied: {}", key, reason);
  }
}
