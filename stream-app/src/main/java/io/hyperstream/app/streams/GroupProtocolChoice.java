package io.hyperstream.app.streams;

import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which protocol the group uses; left to this class, KIP-1071's where the broker has it switched on
 * and the group is empty or uses it already, otherwise the classic one, which every broker has.
 * Mixing both in one group is not possible.
 */
public final class GroupProtocolChoice {
  private static final Logger LOG = LoggerFactory.getLogger(GroupProtocolChoice.class);
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final Admin admin;

  public GroupProtocolChoice(Admin admin) {
    this.admin = admin;
  }

  /**
   * {@link GroupProtocol#STREAMS} or {@link GroupProtocol#CLASSIC}.
   *
   * @param wanted {@link GroupProtocol#AUTO} to find out; anything else is taken as it is
   */
  public GroupProtocol of(GroupProtocol wanted, String groupId) throws InterruptedException {
    GroupProtocol choice = wanted;
    String why = "as configured";
    if (wanted == GroupProtocol.AUTO) {
      String against = objection(groupId);
      choice = against.isEmpty() ? GroupProtocol.STREAMS : GroupProtocol.CLASSIC;
      why = against.isEmpty() ? "the broker has it and group '" + groupId + "' is free" : against;
    }
    LOG.info("Group protocol {}: {}", choice, why);
    if (choice == GroupProtocol.STREAMS) {
      LOG.warn(
          "With brokers of Kafka 4.3 an answer to a heartbeat that is lost while a broker dies leaves"
              + " partitions without an owner until the next rebalance; the classic protocol does"
              + " not");
    }
    return choice;
  }

  /** Why the streams protocol cannot be used; empty if it can. */
  private String objection(String groupId) throws InterruptedException {
    try {
      FinalizedVersionRange feature =
          admin
              .describeFeatures()
              .featureMetadata()
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS)
              .finalizedFeatures()
              .get("streams.version");
      if (feature == null || feature.maxVersionLevel() < 1) {
        return "the broker has not finalised streams.version 1";
      }
      Optional<GroupListing> group =
          admin.listGroups().all().get(PATIENCE.toSeconds(), TimeUnit.SECONDS).stream()
              .filter(listing -> listing.groupId().equals(groupId))
              .findFirst();
      return objection(group);
    } catch (ExecutionException | TimeoutException e) {
      return "the broker did not say what it has (" + e + ")";
    }
  }

  private static String objection(Optional<GroupListing> group) {
    if (group.isEmpty()
        || group.get().type().equals(Optional.of(GroupType.STREAMS))
        || List.of(GroupState.EMPTY, GroupState.DEAD)
            .contains(group.get().groupState().orElse(GroupState.UNKNOWN))) {
      return "";
    }
    return "the group has members that use " + group.get().protocol();
  }
}
