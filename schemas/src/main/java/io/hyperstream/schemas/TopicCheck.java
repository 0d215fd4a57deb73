package io.hyperstream.schemas;

import io.hyperstream.schemas.Topic.Cleanup;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.TopicConfig;

/**
 * What is wrong with a topic that somebody else created.
 *
 * @param losesRecords whether records vanish while it stays so
 * @param what is, and what was expected
 * @param fix the command or setting that puts it right
 */
record TopicCheck(boolean losesRecords, String what, String fix) {
  private static final String FOR_EVER = "-1";

  /**
   * Compares a topic as it should be with what it is.
   *
   * @param configs its settings as the broker applies them
   * @param server a broker's host and port, for the commands
   */
  static List<TopicCheck> of(
      Topic wanted, Map<String, String> configs, int partitions, String server) {
    List<TopicCheck> found = new ArrayList<>();
    String alter =
        "kafka-configs.sh --bootstrap-server "
            + server
            + " --alter --entity-type topics --entity-name "
            + wanted.name()
            + " --add-config ";
    policy(wanted, configs, alter, found);
    if (wanted.cleanup() == Cleanup.DELETE && expires(configs)) {
      String type = configs.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG);
      if (!Topic.ARRIVAL.equals(type)) {
        found.add(
            new TopicCheck(
                false,
                TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG
                    + " is "
                    + type
                    + ": records whose producer gave them an old time are removed before they are"
                    + " read; expected "
                    + Topic.ARRIVAL,
                alter + TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG + "=" + Topic.ARRIVAL));
      }
    }
    int largest = Integer.parseInt(configs.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG));
    if (largest < wanted.maxRecordBytes()) {
      found.add(
          new TopicCheck(
              false,
              TopicConfig.MAX_MESSAGE_BYTES_CONFIG
                  + " is "
                  + largest
                  + ": larger records cannot be written; expected "
                  + wanted.maxRecordBytes(),
              alter + TopicConfig.MAX_MESSAGE_BYTES_CONFIG + "=" + wanted.maxRecordBytes()));
    }
    partitions(wanted, partitions, server, found);
    return found;
  }

  private static void policy(
      Topic wanted, Map<String, String> configs, String alter, List<TopicCheck> found) {
    String policy = configs.get(TopicConfig.CLEANUP_POLICY_CONFIG);
    String expected = wanted.configs().get(TopicConfig.CLEANUP_POLICY_CONFIG);
    if (policy.equals(expected)) {
      return;
    }
    String is = TopicConfig.CLEANUP_POLICY_CONFIG + " is '" + policy + "'";
    String fix = alter + TopicConfig.CLEANUP_POLICY_CONFIG + "=" + expected;
    boolean compacts = policy.contains(TopicConfig.CLEANUP_POLICY_COMPACT);
    boolean removes = policy.contains(TopicConfig.CLEANUP_POLICY_DELETE) && expires(configs);
    if (wanted.cleanup() == Cleanup.DELETE && compacts) {
      found.add(
          new TopicCheck(
              true,
              is
                  + ": of records with one key all but the last are removed, read or not, and those"
                  + " without a key are refused; expected '"
                  + expected
                  + "'",
              fix));
    } else if (wanted.cleanup() == Cleanup.COMPACT && removes) {
      found.add(
          new TopicCheck(
              true,
              is
                  + ": its records are needed for ever and are removed with time ("
                  + TopicConfig.RETENTION_MS_CONFIG
                  + " "
                  + configs.get(TopicConfig.RETENTION_MS_CONFIG)
                  + ", "
                  + TopicConfig.RETENTION_BYTES_CONFIG
                  + " "
                  + configs.get(TopicConfig.RETENTION_BYTES_CONFIG)
                  + "); expected '"
                  + expected
                  + "'",
              fix));
    } else {
      found.add(
          new TopicCheck(false, is + ": it grows for ever; expected '" + expected + "'", fix));
    }
  }

  private static boolean expires(Map<String, String> configs) {
    return configs
            .get(TopicConfig.CLEANUP_POLICY_CONFIG)
            .contains(TopicConfig.CLEANUP_POLICY_DELETE)
        && !(FOR_EVER.equals(configs.get(TopicConfig.RETENTION_MS_CONFIG))
            && FOR_EVER.equals(configs.get(TopicConfig.RETENTION_BYTES_CONFIG)));
  }

  private static void partitions(
      Topic wanted, int partitions, String server, List<TopicCheck> found) {
    if (partitions == wanted.partitions()) {
      return;
    }
    String what = "it has " + partitions + " partitions; expected " + wanted.partitions();
    String fix;
    if (wanted.cleanup() == Cleanup.COMPACT) {
      fix = "nothing while nobody changes their number; a topic recreated has one";
    } else if (partitions < wanted.partitions()) {
      fix =
          "kafka-topics.sh --bootstrap-server "
              + server
              + " --alter --topic "
              + wanted.name()
              + " --partitions "
              + wanted.partitions()
              + " (the order of keys that move is lost once)";
    } else {
      fix = "hyperstream.kafka.partitions=" + partitions;
    }
    found.add(new TopicCheck(false, what, fix));
  }
}
