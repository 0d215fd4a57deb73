package io.hyperstream.schemas;

import io.hyperstream.schemas.Topic.Cleanup;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;

/**
 * Every topic of the contract, by role, under one prefix. Immutable. {@link TopicProvisioner}
 * creates them, {@link SchemaRegistrar} registers their schemas.
 */
public final class Topics {

  /** What a dead letter adds to the request it holds: its headers. */
  public static final int DEAD_LETTER_ALLOWANCE_BYTES = 64 * 1024;

  /** What a prediction adds to the attributes and label names it repeats: numbers, ids, text. */
  private static final int PREDICTION_ALLOWANCE_BYTES = 64 * 1024;

  /** Adapter weights above this travel through the model store. */
  public static final int MAX_INLINE_WEIGHTS_BYTES = 2 * 1024 * 1024;

  private final Settings settings;
  private final Topic requests;
  private final Topic predictions;
  private final Topic deadLetters;
  private final Topic definitions;
  private final Topic adapters;
  private final Topic adapterVersions;
  private final Topic labels;
  private final Topic commands;
  private final Topic reports;

  /**
   * What a deployment chooses about its topics.
   *
   * @param prefix put before every topic name as it is, for example {@code "team-a."}; may be empty
   * @param partitions of the topics that carry load (requests, predictions, labels)
   * @param replicationFactor of created topics; -1: the broker's default
   * @param retention of requests, predictions, labels, commands and reports
   * @param deadLetterRetention of dead letters
   * @param requestLimitBytes largest request record; other limits follow from it
   */
  public record Settings(
      String prefix,
      int partitions,
      short replicationFactor,
      Duration retention,
      Duration deadLetterRetention,
      int requestLimitBytes) {

    public static final int MAX_REQUEST_LIMIT_BYTES = 64 * 1024 * 1024;

    public Settings {
      if (!prefix.matches("[A-Za-z0-9._-]{0,100}")) {
        throw new IllegalArgumentException(
            "a topic prefix is at most 100 characters of A-Z a-z 0-9 . _ -; got '" + prefix + "'");
      }
      if (partitions < 1 || partitions > 10_000) {
        throw new IllegalArgumentException("topics have 1 to 10000 partitions; got " + partitions);
      }
      if (replicationFactor != -1 && replicationFactor < 1) {
        throw new IllegalArgumentException(
            "the replication factor is 1 or more, or -1 for the broker's default; got "
                + replicationFactor);
      }
      checkRetention("retention", retention);
      checkRetention("dead-letter retention", deadLetterRetention);
      if (requestLimitBytes < 1024 || requestLimitBytes > MAX_REQUEST_LIMIT_BYTES) {
        throw new IllegalArgumentException(
            "the request limit is 1024 to "
                + MAX_REQUEST_LIMIT_BYTES
                + " bytes; got "
                + requestLimitBytes);
      }
    }

    /** No prefix, 4 partitions, the broker's replication factor, a week, a month, 1 MiB. */
    public static Settings defaults() {
      return new Settings("", 4, (short) -1, Duration.ofDays(7), Duration.ofDays(30), 1024 * 1024);
    }

    /** The same under another prefix. */
    public Settings withPrefix(String otherPrefix) {
      return new Settings(
          otherPrefix,
          partitions,
          replicationFactor,
          retention,
          deadLetterRetention,
          requestLimitBytes);
    }

    private static void checkRetention(String what, Duration value) {
      if (value.compareTo(Duration.ofMinutes(1)) < 0) {
        throw new IllegalArgumentException(
            "the " + what + " is at least one minute, so that readers can follow; got " + value);
      }
    }
  }

  public Topics(Settings settings) {
    this.settings = settings;
    int limit = settings.requestLimitBytes();
    requests = stream("inference.requests", InferenceRequest.class, limit);
    // A prediction carries the request's attributes and the definition's label names.
    predictions =
        stream("inference.predictions", Prediction.class, 2 * limit + PREDICTION_ALLOWANCE_BYTES);
    deadLetters =
        new Topic(
            settings.prefix() + "inference.dead-letters",
            Optional.empty(),
            settings.partitions(),
            Cleanup.DELETE,
            Optional.of(settings.deadLetterRetention()),
            limit + DEAD_LETTER_ALLOWANCE_BYTES);
    definitions = table("task.definitions", TaskDefinition.class, limit);
    int adapterLimit = MAX_INLINE_WEIGHTS_BYTES + limit;
    adapters = table("task.adapters", AdapterVersion.class, adapterLimit);
    adapterVersions = table("task.adapter-versions", AdapterVersion.class, adapterLimit);
    labels = stream("adaptation.labels", LabelEvent.class, limit);
    commands = stream("adaptation.commands", AdaptationCommand.class, limit);
    reports = stream("adaptation.reports", AdaptationReport.class, limit);
  }

  private Topic stream(String name, Class<? extends SpecificRecord> value, int maxRecordBytes) {
    return new Topic(
        settings.prefix() + name,
        Optional.of(value),
        settings.partitions(),
        Cleanup.DELETE,
        Optional.of(settings.retention()),
        maxRecordBytes);
  }

  /** A small topic every replica holds as a whole, so one partition does. */
  private Topic table(String name, Class<? extends SpecificRecord> value, int maxRecordBytes) {
    return new Topic(
        settings.prefix() + name,
        Optional.of(value),
        1,
        Cleanup.COMPACT,
        Optional.empty(),
        maxRecordBytes);
  }

  public Settings settings() {
    return settings;
  }

  /** {@link InferenceRequest}s; the key is the user's. */
  public Topic requests() {
    return requests;
  }

  /** {@link Prediction}s under the request's key. */
  public Topic predictions() {
    return predictions;
  }

  /** Requests that cannot be answered: their bytes, with {@link DeadLetterHeaders}. */
  public Topic deadLetters() {
    return deadLetters;
  }

  /** {@link TaskDefinition}s by task id; a tombstone retires a task. */
  public Topic definitions() {
    return definitions;
  }

  /** The {@link AdapterVersion} each task serves now, by {@code modelId|taskId}. */
  public Topic adapters() {
    return adapters;
  }

  /** Every promoted {@link AdapterVersion}, by {@code modelId|taskId|version}. */
  public Topic adapterVersions() {
    return adapterVersions;
  }

  /** {@link LabelEvent}s under any key. */
  public Topic labels() {
    return labels;
  }

  /** {@link AdaptationCommand}s under any key. */
  public Topic commands() {
    return commands;
  }

  /** {@link AdaptationReport}s by task id. */
  public Topic reports() {
    return reports;
  }

  /** All of them. */
  public List<Topic> all() {
    return List.of(
        requests,
        predictions,
        deadLetters,
        definitions,
        adapters,
        adapterVersions,
        labels,
        commands,
        reports);
  }
}
