package io.hyperstream.app.streams;

import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.StreamsGroupDescription;
import org.apache.kafka.clients.admin.StreamsGroupMemberAssignment;
import org.apache.kafka.clients.admin.StreamsGroupMemberDescription;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether each partition of the sources has somebody who reads it, while the group is stable,
 * and whether the topics are still those that were there. It only reports: what is slow is served,
 * and joining the group again would not fix what is not. Thread-safe.
 */
final class GroupWatch {
  private static final Logger LOG = LoggerFactory.getLogger(GroupWatch.class);
  private static final long PATIENCE_SECONDS = 5;

  private final String group;
  private final List<String> topics;
  private final GroupProtocol protocol;
  private final Duration patience;
  private final Supplier<Map<String, Set<TopicPartition>>> local;
  private final Consumer<String> recreated;
  private final Map<TopicPartition, Long> since = new ConcurrentHashMap<>(); // nanoTime
  private final Map<String, Uuid> ids = new ConcurrentHashMap<>();

  /**
   * @param topics the sources
   * @param patience so long a partition may be without a reader
   * @param local what this process' consumers read, by client id; empty while it is not running
   * @param recreated told a topic that was replaced by another of its name
   */
  GroupWatch(
      String group,
      List<String> topics,
      GroupProtocol protocol,
      Duration patience,
      Supplier<Map<String, Set<TopicPartition>>> local,
      Consumer<String> recreated) {
    this.group = group;
    this.topics = topics;
    this.protocol = protocol;
    this.patience = patience;
    this.local = local;
    this.recreated = recreated;
  }

  /** Before the first poll: which topics these are. */
  void begin(Admin admin) throws InterruptedException {
    try {
      identify(
          admin
              .describeTopics(topics)
              .allTopicNames()
              .get(PATIENCE_SECONDS, TimeUnit.SECONDS)
              .values());
    } catch (ExecutionException | TimeoutException e) {
      LOG.debug("The topics are identified later", e);
    }
  }

  /** Asks the brokers; returns at once, and looks at their answers when they come. */
  void look(Admin admin) {
    Map<String, Set<TopicPartition>> mine = local.get();
    var unused =
        admin
            .describeTopics(topics)
            .allTopicNames()
            .whenComplete(
                (descriptions, failure) -> {
                  if (failure == null) {
                    identify(descriptions.values());
                  }
                  if (failure != null || mine.isEmpty()) {
                    since.clear();
                    return;
                  }
                  assignments(admin, partitions(descriptions.values()), mine);
                });
  }

  void identify(Collection<TopicDescription> descriptions) {
    for (TopicDescription topic : descriptions) {
      Uuid before = ids.put(topic.name(), topic.topicId());
      if (before != null && !before.equals(topic.topicId())) {
        recreated.accept(topic.name());
      }
    }
  }

  private static Set<TopicPartition> partitions(Collection<TopicDescription> descriptions) {
    return descriptions.stream()
        .flatMap(
            topic ->
                topic.partitions().stream()
                    .map(info -> new TopicPartition(topic.name(), info.partition())))
        .collect(Collectors.toSet());
  }

  private void assignments(
      Admin admin, Set<TopicPartition> all, Map<String, Set<TopicPartition>> mine) {
    KafkaFuture<Map<String, Set<TopicPartition>>> assigned =
        protocol == GroupProtocol.STREAMS
            ? admin
                .describeStreamsGroups(List.of(group))
                .describedGroups()
                .get(group)
                .thenApply(GroupWatch::ofStreams)
            : admin
                .describeConsumerGroups(List.of(group))
                .describedGroups()
                .get(group)
                .thenApply(GroupWatch::ofClassic);
    var unused = assigned.whenComplete((found, failure) -> judge(found, all, mine, failure));
  }

  /** Who has what, as the coordinator sees it; empty while it is being shared out. */
  private static Map<String, Set<TopicPartition>> ofClassic(ConsumerGroupDescription described) {
    List<Member> members = new ArrayList<>();
    if (described.groupState() == GroupState.STABLE) {
      described
          .members()
          .forEach(
              member ->
                  members.add(
                      new Member(
                          member.clientId(),
                          member.consumerId(),
                          member.assignment().topicPartitions())));
    }
    return byClient(members);
  }

  private static Map<String, Set<TopicPartition>> ofStreams(StreamsGroupDescription described) {
    List<Member> members = new ArrayList<>();
    if (described.groupState() == GroupState.STABLE) {
      Map<String, List<String>> sources = new HashMap<>();
      described.subtopologies().forEach(s -> sources.put(s.subtopologyId(), s.sourceTopics()));
      for (StreamsGroupMemberDescription member : described.members()) {
        Set<TopicPartition> partitions = new HashSet<>();
        for (StreamsGroupMemberAssignment.TaskIds task : member.assignment().activeTasks()) {
          for (String topic : sources.getOrDefault(task.subtopologyId(), List.of())) {
            task.partitions().forEach(p -> partitions.add(new TopicPartition(topic, p)));
          }
        }
        members.add(new Member(member.clientId(), member.memberId(), partitions));
      }
    }
    return byClient(members);
  }

  private record Member(String clientId, String id, Set<TopicPartition> partitions) {}

  /** By client id, or by member id where several clients are called the same (client.id is set). */
  private static Map<String, Set<TopicPartition>> byClient(List<Member> members) {
    Map<String, Set<TopicPartition>> assigned = new HashMap<>();
    for (Member member : members) {
      long same = members.stream().filter(m -> m.clientId().equals(member.clientId())).count();
      assigned.put(same == 1 ? member.clientId() : member.id(), member.partitions());
    }
    return assigned;
  }

  private void judge(
      Map<String, Set<TopicPartition>> assigned,
      Set<TopicPartition> all,
      Map<String, Set<TopicPartition>> mine,
      Throwable failure) {
    if (failure == null) {
      seen(assigned, all, mine, System.nanoTime());
    } else {
      LOG.debug("Group {} cannot be looked at", group, failure);
      since.clear();
    }
  }

  /**
   * What the coordinator and this process say.
   *
   * @param assigned by client id, or anything else if that is not clear; empty while the group is
   *     not stable
   * @param mine what this process' consumers have, by client id
   */
  void seen(
      Map<String, Set<TopicPartition>> assigned,
      Set<TopicPartition> all,
      Map<String, Set<TopicPartition>> mine,
      long now) {
    if (assigned.isEmpty()) {
      since.clear();
      return;
    }
    Set<TopicPartition> served = new HashSet<>();
    assigned.forEach(
        (client, partitions) -> {
          Set<TopicPartition> here = mine.get(client);
          partitions.stream()
              .filter(partition -> here == null || here.contains(partition))
              .forEach(served::add);
        });
    since.keySet().retainAll(all);
    for (TopicPartition partition : all) {
      if (served.contains(partition)) {
        since.remove(partition);
      } else {
        since.putIfAbsent(partition, now);
      }
    }
  }

  /** The partitions nobody reads; empty if there is none. */
  Optional<String> problem() {
    return problem(System.nanoTime());
  }

  Optional<String> problem(long now) {
    Set<String> unserved = new TreeSet<>();
    since.forEach(
        (partition, from) -> {
          if (now - from > patience.toNanos()) {
            unserved.add(partition.toString());
          }
        });
    return unserved.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "nobody has read "
                + String.join(", ", unserved)
                + " for more than "
                + patience.toSeconds()
                + " s, although group "
                + group
                + " is stable; restart one replica, so that partitions are shared out again");
  }
}
