package io.hyperstream.app.streams;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says it when records vanish before they are read, or are read again because the place in their
 * topic is lost: retention, {@code deleteRecords}, a topic recreated, committed offsets that
 * expired. Kafka Streams starts over at the first record in all these cases, with hardly a word.
 * Thread-safe.
 */
public final class OffsetWatch {
  /** A consumer's configuration has the watch under this name. */
  static final String CONFIG = "hyperstream.offset.watch";

  private static final Logger LOG = LoggerFactory.getLogger(OffsetWatch.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final String group;
  private final String answers;
  private final MeterRegistry meters;
  private final Set<TopicPartition> committed = ConcurrentHashMap.newKeySet();
  private final Map<String, String> notices = new ConcurrentHashMap<>();

  /** Up to where records that were removed are counted already. */
  private final Map<TopicPartition, Long> countedTo = new ConcurrentHashMap<>();

  private volatile boolean answeredBefore;

  /**
   * What was found about one partition.
   *
   * @param removed offsets that were not read and are gone; 0: the place was lost
   */
  record Finding(long removed, String sentence) {}

  /**
   * @param group the consumer group
   * @param sources the topics it reads, for their meters
   * @param answers the topic that holds records as soon as one was answered
   */
  public OffsetWatch(String group, Iterable<String> sources, String answers, MeterRegistry meters) {
    this.group = group;
    this.answers = answers;
    this.meters = meters;
    for (String topic : sources) {
      removed(topic);
      lost(topic);
    }
  }

  private Counter removed(String topic) {
    return Counter.builder("hyperstream.records.lost")
        .description("Records that were removed from a topic before they were read, at most")
        .tag("topic", topic)
        .register(meters);
  }

  private Counter lost(String topic) {
    return Counter.builder("hyperstream.offsets.lost")
        .description("Times a partition had to be read from its first record again")
        .tag("topic", topic)
        .register(meters);
  }

  /** Before the first poll: where the group was. */
  void begin(Admin admin) throws InterruptedException {
    try {
      committed(
          admin
              .listConsumerGroupOffsets(group)
              .partitionsToOffsetAndMetadata()
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      TopicDescription topic =
          admin
              .describeTopics(Set.of(answers))
              .topicNameValues()
              .get(answers)
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      answeredBefore =
          admin
              .listOffsets(
                  topic.partitions().stream()
                      .collect(
                          Collectors.toMap(
                              p -> new TopicPartition(answers, p.partition()),
                              p -> OffsetSpec.latest())))
              .all()
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS)
              .values()
              .stream()
              .anyMatch(end -> end.offset() > 0);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn(
          "Whether group {} has lost its place since the last run is not known: {}",
          group,
          e.toString());
    }
  }

  /** Asks which places the group has now; returns at once. */
  void look(Admin admin) {
    var unused =
        admin
            .listConsumerGroupOffsets(group)
            .partitionsToOffsetAndMetadata()
            .whenComplete(
                (offsets, failure) -> {
                  if (failure == null) {
                    committed(offsets);
                  }
                });
  }

  void committed(Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.forEach(
        (partition, offset) -> {
          if (offset != null) {
            committed.add(partition);
          }
        });
  }

  /** Polls; what is lost is said before Kafka Streams starts over. */
  ConsumerRecords<byte[], byte[]> watched(
      Consumer<byte[], byte[]> consumer, Supplier<ConsumerRecords<byte[], byte[]>> poll) {
    try {
      return poll.get();
    } catch (InvalidOffsetException e) {
      look(consumer, e);
      throw e;
    }
  }

  private void look(Consumer<byte[], byte[]> consumer, InvalidOffsetException e) {
    Map<TopicPartition, Long> positions =
        e instanceof OffsetOutOfRangeException range
            ? range.offsetOutOfRangePartitions()
            : Map.of();
    try {
      Map<TopicPartition, Long> first = consumer.beginningOffsets(e.partitions(), PATIENCE);
      Map<TopicPartition, Long> end = consumer.endOffsets(e.partitions(), PATIENCE);
      for (TopicPartition partition : e.partitions()) {
        OptionalLong position =
            positions.containsKey(partition)
                ? OptionalLong.of(
                    uncounted(partition, positions.get(partition), first.get(partition)))
                : OptionalLong.empty();
        if (position.isPresent() && position.getAsLong() == first.get(partition)) {
          continue; // all of it is counted
        }
        judge(partition, position, first.get(partition), end.get(partition))
            .ifPresentOrElse(
                finding -> say(partition, finding), () -> begins(partition, first.get(partition)));
      }
    } catch (KafkaException unknown) {
      for (TopicPartition partition : e.partitions()) {
        say(
            partition,
            new Finding(
                0,
                "the place in it is lost, and where it begins and ends is not known ("
                    + unknown.getMessage()
                    + ")"));
      }
    }
  }

  /**
   * A place, without what is counted already of the records removed after it: before its first
   * commit a partition may be assigned again at the place it had before.
   */
  private long uncounted(TopicPartition partition, long position, long first) {
    if (position >= first) {
      countedTo.remove(partition); // another topic of that name, or a truncated one
      return position;
    }
    Long before = countedTo.put(partition, first);
    return before == null ? position : Math.max(position, before);
  }

  /** What it means that a place is not there; empty if the partition was never read. */
  Optional<Finding> judge(TopicPartition partition, OptionalLong position, long first, long end) {
    String kept = "; the " + (end - first) + " offsets it has are read from the first one on";
    if (position.isPresent()) {
      long place = position.getAsLong();
      return Optional.of(
          place < first
              ? new Finding(
                  first - place,
                  "offsets "
                      + place
                      + " to "
                      + (first - 1)
                      + " were removed before they were read (by retention or deleteRecords, or"
                      + " the topic was recreated)")
              : new Finding(
                  0,
                  "it ends at offset "
                      + end
                      + " and had been read to "
                      + place
                      + ": it was recreated or truncated"
                      + kept));
    }
    if (committed.contains(partition)) {
      return Optional.of(
          new Finding(
              0,
              "the committed offset is gone: the topic was recreated, or the offset was deleted"
                  + kept));
    }
    boolean othersAre = committed.stream().anyMatch(p -> p.topic().equals(partition.topic()));
    return othersAre || !answeredBefore || first == end
        ? Optional.empty() // a new partition, or a new application
        : Optional.of(
            new Finding(
                0,
                "there are answers in "
                    + answers
                    + " but group "
                    + group
                    + " has no committed offsets: they expired, the topic was recreated, or the"
                    + " application has another id"
                    + kept
                    + ", and what was answered is answered again"));
  }

  /** Another topic stands under the name of one that is being read. */
  void recreated(String topic) {
    lost(topic).increment();
    notice(
        topic,
        "the topic was recreated while it was read: what was not read of the old one is gone, and"
            + " unless its partitions are named here too, the new one is read from where the old"
            + " one was left. To read all of it, stop all replicas and reset the group's offsets"
            + " (kafka-consumer-groups.sh --reset-offsets --to-earliest)");
  }

  /**
   * A first read. Not counted as lost: a group that is new does not know what it should have read.
   */
  private void begins(TopicPartition partition, long first) {
    if (first > 0) {
      LOG.warn(
          "{} is read by group {} for the first time, from offset {} on: what was before was removed"
              + " (by retention or deleteRecords) and is not answered",
          partition,
          group,
          first);
    }
  }

  private void say(TopicPartition partition, Finding finding) {
    if (finding.removed() > 0) {
      removed(partition.topic()).increment((double) finding.removed());
    } else {
      lost(partition.topic()).increment();
    }
    notice(partition.toString(), finding.sentence());
  }

  private void notice(String of, String sentence) {
    LOG.warn("{} as read by group {}: {}", of, group, sentence);
    notices.put(of, Instant.now().truncatedTo(ChronoUnit.SECONDS) + ": " + sentence);
  }

  /** What was lost since this process started, by partition or topic; empty if nothing was. */
  Map<String, String> notices() {
    return new TreeMap<>(notices);
  }

  /** {@link #notices} as readiness shows them; empty if there are none. */
  public Map<String, Object> details() {
    return notices.isEmpty() ? Map.of() : Map.of("lost", notices());
  }
}
