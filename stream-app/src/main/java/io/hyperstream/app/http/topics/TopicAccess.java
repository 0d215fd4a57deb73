package io.hyperstream.app.http.topics;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.IOException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.IsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The cluster's names and clients for this package. Any thread. */
@Singleton
public final class TopicAccess {
  private static final Logger LOG = LoggerFactory.getLogger(TopicAccess.class);

  private final ClusterSettings cluster;
  private final Topics topics;
  private final SchemaRegistryClient registry;
  private final RecordCodec codec;
  private final RecordCodec patientCodec;

  TopicAccess(ClusterSettings cluster) {
    this.cluster = cluster;
    topics = cluster.topics();
    registry = SchemaRegistries.connect(cluster.registry().url(), cluster.registry().properties());
    codec = new RecordCodec(registry);
    patientCodec = new RecordCodec(registry, RecordCodec.GRACE);
  }

  public Topics topics() {
    return topics;
  }

  public RecordCodec codec() {
    return codec;
  }

  /** Gives the registry time to learn of a schema. */
  RecordCodec patientCodec() {
    return patientCodec;
  }

  ClusterSettings cluster() {
    return cluster;
  }

  /** Committed records only, from the first one on, without a group. */
  public Consumer<byte[], byte[]> reader(String purpose) {
    return cluster.reader(
        cluster.kafka().applicationId() + "-http-" + purpose, IsolationLevel.READ_COMMITTED);
  }

  @PreDestroy
  void close() {
    try {
      registry.close();
    } catch (IOException e) {
      LOG.debug("The registry client did not close", e);
    }
  }
}
