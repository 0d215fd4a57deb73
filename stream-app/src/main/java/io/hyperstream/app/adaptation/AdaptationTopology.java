package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredRequest;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import io.hyperstream.app.streams.EventTimeExtractor;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The adaptation topology. Labels, commands and definitions are checked and go, keyed by task, to
 * the one owner of each task, who writes versions and reports. With labels by request, requests and
 * such labels meet on the way. Processors, stores and internal topics have names of their own, so
 * that an upgrade finds its state again.
 */
final class AdaptationTopology {
  static final String ADAPTERS = "adapters";
  static final String VERSIONS = "adapter-versions";
  static final String REPORTS = "reports";

  /** Where the intake and the join send a record on. */
  static final String TO_OWNER = "for-the-owner";

  static final String TO_REQUEST = "for-the-request";
  static final String MATCHED = "matched";

  static final String CHECK = "check";
  static final String JOIN = "find-requests";
  static final String ADAPT = "adapt";

  private static final String BY_TASK = "by-task";

  private static final Serde<byte[]> BYTES = Serdes.ByteArray();

  private AdaptationTopology() {}

  /**
   * What the processors share.
   *
   * @param modelId of the model that is adapted
   * @param reader waits while the registry is down
   * @param definitionCheck asked before a task or label is called unknown
   */
  record Parts(
      Topics topics,
      String modelId,
      RetryingDecoder reader,
      OutputRecords output,
      HeaderPolicy headerPolicy,
      AdaptationTrainer trainer,
      DefinitionCheck definitionCheck,
      AdaptationOptions options,
      AdaptationMetrics metrics,
      Tracing tracing) {

    private List<String> sources() {
      return AdaptationTopology.sources(topics, options.labelsByRequest());
    }
  }

  /** The topics of others it reads. */
  static List<String> sources(Topics topics, boolean labelsByRequest) {
    List<String> sources =
        new ArrayList<>(
            List.of(topics.labels().name(), topics.commands().name(), topics.definitions().name()));
    if (labelsByRequest) {
      sources.add(topics.requests().name());
    }
    return sources;
  }

  /** Bytes of the largest record this topology writes, to its own topics too. */
  static int maxRecordBytes(Topics topics) {
    return Math.max(topics.adapters().maxRecordBytes(), topics.deadLetters().maxRecordBytes())
        + Topics.DEAD_LETTER_ALLOWANCE_BYTES;
  }

  static Topology build(Parts parts) {
    AdaptationOptions options = parts.options();
    AdaptationMetrics metrics = parts.metrics();
    Function<String, SourcedRecords> recordsOf =
        processor ->
            new SourcedRecords(
                parts.output(), parts.headerPolicy(), metrics, deadLettersOf(processor));
    InputLimits limits = new InputLimits(options.maxRecordBytes(), options.maxTextChars());
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], byte[]> checked =
        builder.stream(
                parts.sources(),
                Consumed.with(BYTES, BYTES)
                    .withName("sources")
                    .withTimestampExtractor(definitionsFirst(parts.topics()))
                    .withOffsetResetPolicy(AutoOffsetReset.earliest()))
            .process(
                () ->
                    new IntakeProcessor(
                        parts.topics(),
                        parts.reader(),
                        recordsOf.apply(CHECK),
                        limits,
                        options.labelsByRequest(),
                        metrics),
                Named.as(CHECK));
    if (options.labelsByRequest()) {
      builder.addStateStore(store(RequestJoinProcessor.REQUESTS, StoredRequest.class));
      builder.addStateStore(store(RequestJoinProcessor.WAITING, WaitingRecord.class));
      part(checked, TO_REQUEST)
          .repartition(keyed("by-request", options).withStreamPartitioner(new RequestKeys()))
          .process(
              () -> new RequestJoinProcessor(recordsOf.apply(JOIN), options, metrics),
              Named.as(JOIN),
              RequestJoinProcessor.REQUESTS,
              RequestJoinProcessor.WAITING);
    }
    builder.addStateStore(store(FewShotProcessor.TASKS, TaskState.class));
    builder.addStateStore(store(FewShotProcessor.EXAMPLES, StoredExample.class));
    builder.addStateStore(store(FewShotProcessor.VECTORS, StoredVector.class));
    builder.addStateStore(store(FewShotProcessor.VERSIONS, StoredVersion.class));
    builder.addStateStore(store(FewShotProcessor.WAITING, WaitingRecord.class));
    part(checked, TO_OWNER)
        .repartition(keyed(BY_TASK, options))
        .process(
            () -> new FewShotProcessor(parts, recordsOf.apply(ADAPT)),
            Named.as(ADAPT),
            FewShotProcessor.TASKS,
            FewShotProcessor.EXAMPLES,
            FewShotProcessor.VECTORS,
            FewShotProcessor.VERSIONS,
            FewShotProcessor.WAITING);
    return withSinks(builder.build(), parts.topics(), options.labelsByRequest());
  }

  /**
   * Kafka Streams takes the oldest record first. A definition counts from the beginning of time, so
   * that labels older than their task's last change find it, as they did when they were new.
   */
  private static TimestampExtractor definitionsFirst(Topics topics) {
    EventTimeExtractor eventTime = new EventTimeExtractor();
    String definitions = topics.definitions().name();
    return (record, partitionTime) ->
        record.topic().equals(definitions) ? 0 : eventTime.extract(record, partitionTime);
  }

  /** What a processor sends to this name. */
  private static KStream<byte[], byte[]> part(KStream<byte[], byte[]> of, String name) {
    return of.filter((key, value) -> true, Named.as(name));
  }

  private static Repartitioned<byte[], byte[]> keyed(String name, AdaptationOptions options) {
    return Repartitioned.with(BYTES, BYTES)
        .withName(name)
        .withNumberOfPartitions(options.partitions());
  }

  private static <T extends SpecificRecord> StoreBuilder<?> store(String name, Class<T> type) {
    return Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(name), Serdes.String(), StateCodec.serde(type));
  }

  /**
   * Each processor has sinks of its own: a shared one would join the parts of the topology, and the
   * stores would depend on the partitions of the topics that users own.
   */
  private static Topology withSinks(Topology topology, Topics topics, boolean joins) {
    Serializer<byte[]> bytes = BYTES.serializer();
    String deadLetters = topics.deadLetters().name();
    if (joins) {
      topology
          .addSink(deadLettersOf(JOIN), deadLetters, bytes, bytes, JOIN)
          .addSink(MATCHED, BY_TASK + "-repartition", bytes, bytes, JOIN);
    }
    return topology
        .addSink(deadLettersOf(CHECK), deadLetters, bytes, bytes, CHECK)
        .addSink(deadLettersOf(ADAPT), deadLetters, bytes, bytes, ADAPT)
        .addSink(ADAPTERS, topics.adapters().name(), bytes, bytes, ADAPT)
        .addSink(VERSIONS, topics.adapterVersions().name(), bytes, bytes, ADAPT)
        .addSink(REPORTS, topics.reports().name(), bytes, bytes, ADAPT);
  }

  static String deadLettersOf(String processor) {
    return "dead-letters-of-" + processor;
  }
}
