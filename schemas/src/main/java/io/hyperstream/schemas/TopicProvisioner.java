package io.hyperstream.schemas;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it at start-up that the topics are there and keep what is in them. Existing topics are
 * left as they are.
 */
public final class TopicProvisioner {
  private static final Logger LOG = LoggerFactory.getLogger(TopicProvisioner.class);

  private static final String UNKNOWN_SERVER = "BROKER:9092";

  private final Admin admin;
  private final short replicationFactor;

  /**
   * @param admin stays open
   * @param replicationFactor of created topics; -1: the broker's default
   */
  public TopicProvisioner(Admin admin, short replicationFactor) {
    this.admin = admin;
    this.replicationFactor = replicationFactor;
  }

  /**
   * Creates what is missing, or says what is; refuses topics that lose records, and warns about
   * other differences.
   *
   * @param mayCreate whether this application creates topics
   * @param timeout for the cluster's answers
   * @throws IllegalStateException if topics are missing and may not or cannot be created, lose
   *     records, or the cluster does not answer; the message says what to do
   * @throws InterruptedException if interrupted while waiting
   */
  public void ensure(List<Topic> topics, boolean mayCreate, Duration timeout)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    Set<String> existing;
    try {
      existing = admin.listTopics().names().get(left(deadline), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(
          "cannot list the cluster's topics ("
              + reasonOf(e)
              + "); check the bootstrap servers, the credentials and that the cluster runs",
          e);
    }
    check(topics.stream().filter(t -> existing.contains(t.name())).toList(), deadline);
    List<Topic> missing = topics.stream().filter(t -> !existing.contains(t.name())).toList();
    if (missing.isEmpty()) {
      return;
    }
    if (!mayCreate) {
      throw new IllegalStateException(
          "these topics are missing and creating them is not allowed: "
              + missing.stream().map(TopicProvisioner::describe).collect(Collectors.joining("; "))
              + ". Create them so, or allow their creation");
    }
    create(missing, deadline);
    awaitLeaders(missing, deadline);
  }

  private void check(List<Topic> existing, long deadline) throws InterruptedException {
    if (existing.isEmpty()) {
      return;
    }
    String server = server(deadline);
    Map<ConfigResource, KafkaFuture<Config>> configs =
        admin.describeConfigs(existing.stream().map(TopicProvisioner::resource).toList()).values();
    Map<String, KafkaFuture<TopicDescription>> descriptions =
        admin.describeTopics(existing.stream().map(Topic::name).toList()).topicNameValues();
    List<String> losing = new ArrayList<>();
    for (Topic topic : existing) {
      try {
        Map<String, String> config = new HashMap<>();
        configs
            .get(resource(topic))
            .get(left(deadline), TimeUnit.NANOSECONDS)
            .entries()
            .forEach(entry -> config.put(entry.name(), entry.value()));
        int partitions =
            descriptions
                .get(topic.name())
                .get(left(deadline), TimeUnit.NANOSECONDS)
                .partitions()
                .size();
        for (TopicCheck found : TopicCheck.of(topic, config, partitions, server)) {
          if (found.losesRecords()) {
            losing.add(topic.name() + ": " + found.what() + ". Fix: " + found.fix());
          } else {
            LOG.warn("Topic {}: {}. Fix: {}", topic.name(), found.what(), found.fix());
          }
        }
      } catch (ExecutionException | TimeoutException e) {
        if (e.getCause() instanceof AuthorizationException) {
          LOG.warn(
              "Whether topic {} keeps its records is not checked, for want of the right to Describe"
                  + " and DescribeConfigs",
              topic.name());
        } else if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
          throw new IllegalStateException(
              "cannot read the settings of topic " + topic.name() + " (" + reasonOf(e) + ")", e);
        }
      }
    }
    if (!losing.isEmpty()) {
      throw new IllegalStateException(
          "these topics lose records, so nothing is started: " + String.join("; ", losing));
    }
  }

  private static ConfigResource resource(Topic topic) {
    return new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
  }

  /** A broker's address, for commands to be copied. */
  private String server(long deadline) throws InterruptedException {
    try {
      return admin.describeCluster().nodes().get(left(deadline), TimeUnit.NANOSECONDS).stream()
          .findFirst()
          .map(node -> node.host() + ":" + node.port())
          .orElse(UNKNOWN_SERVER);
    } catch (ExecutionException | TimeoutException e) {
      return UNKNOWN_SERVER;
    }
  }

  private void create(List<Topic> missing, long deadline) throws InterruptedException {
    List<NewTopic> wanted = missing.stream().map(t -> t.toNewTopic(replicationFactor)).toList();
    Map<String, KafkaFuture<Void>> results = admin.createTopics(wanted).values();
    Set<String> madeMeanwhile = new HashSet<>();
    Set<String> created = new TreeSet<>();
    for (Map.Entry<String, KafkaFuture<Void>> result : results.entrySet()) {
      try {
        result.getValue().get(left(deadline), TimeUnit.NANOSECONDS);
        created.add(result.getKey());
      } catch (ExecutionException | TimeoutException e) {
        if (e.getCause() instanceof TopicExistsException) {
          madeMeanwhile.add(result.getKey()); // by another replica, or by a broker itself
          continue;
        }
        throw new IllegalStateException(
            "cannot create topic "
                + result.getKey()
                + " ("
                + reasonOf(e)
                + "); create it by hand, or give this application the right to",
            e);
      }
    }
    if (!created.isEmpty()) {
      LOG.info("Created {}", String.join(", ", created));
    }
    check(missing.stream().filter(t -> madeMeanwhile.contains(t.name())).toList(), deadline);
  }

  /**
   * A topic is created before its brokers lead it. A producer that writes in between can have its
   * first batch refused and the second accepted, and then repeats the first in vain for as long as
   * its delivery timeout.
   */
  private void awaitLeaders(List<Topic> created, long deadline) throws InterruptedException {
    Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
    for (Topic topic : created) {
      for (int partition = 0; partition < topic.partitions(); partition++) {
        partitions.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
      }
    }
    try {
      admin.listOffsets(partitions).all().get(left(deadline), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("The new topics' leaders do not answer yet: {}", reasonOf(e));
    }
  }

  private static String describe(Topic topic) {
    return topic.name()
        + " (partitions "
        + topic.partitions()
        + ", "
        + new TreeMap<>(topic.configs())
        + ")";
  }

  private static String reasonOf(Exception e) {
    return e instanceof TimeoutException
        ? "no answer in time"
        : String.valueOf(e.getCause() == null ? e.getMessage() : e.getCause().getMessage());
  }

  private static long left(long deadline) {
    return Math.max(1, deadline - System.nanoTime());
  }
}
