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
 * Which protocol the group uses: KIP-1071's where the broker has it switched on and the group is
 * empty or uses it already, otherwise the classic one, which every broker has. Mixing both in one
 * group is not possible.
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
    if (wanted != GroupProtocol.AUTO) {
      LOG.info("Group protocol {}: as configured", wanted);
      return wanted;
    }
    String against = objection(groupId);
    GroupProtocol choice = against.isEmpty() ? GroupProtocol.STREAMS : GroupProtocol.CLASSIC;
    LOG.info(
        "Group protocol {}: {}",
        choice,
        against.isEmpty() ? "the broker has it and group '" + groupId + "' is free" : against);
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
