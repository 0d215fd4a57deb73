package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.convert.format.MapFormat;
import io.micronaut.core.naming.conventions.StringConvention;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.Map;

/**
 * {@code hyperstream.streams}: how Kafka Streams runs.
 *
 * @param threads stream threads of this process
 * @param guarantee how often a request may be answered
 * @param groupProtocol how threads share the partitions
 * @param transactionTimeout after which the broker aborts a transaction
 * @param commitInterval between commits
 * @param maxPass the longest one pass over polled records may take; never more than a quarter of
 *     the transaction timeout
 * @param maxPollRecords records per poll; 0: from the measured speed of the model
 * @param sessionTimeout after which a silent process loses its partitions (classic protocol)
 * @param shutdownTimeout for finishing what was polled
 * @param stateDir Kafka Streams' own files, and weights of adapter versions
 * @param properties handed to Kafka Streams as they are; they win over everything else
 */
@ConfigurationProperties("hyperstream.streams")
public record StreamsSettings(
    @Min(1) @Max(256) int threads,
    @NotNull Guarantee guarantee,
    @NotNull GroupProtocol groupProtocol,
    @NotNull Duration transactionTimeout,
    @NotNull Duration commitInterval,
    @NotNull Duration maxPass,
    @Min(0) @Max(100_000) int maxPollRecords,
    @NotNull Duration sessionTimeout,
    @NotNull Duration shutdownTimeout,
    @NotBlank String stateDir,
    @MapFormat(transformation = MapFormat.MapTransformation.FLAT, keyFormat = StringConvention.RAW)
        Map<String, String> properties) {

  /** How often a request may be answered. */
  public enum Guarantee {
    EXACTLY_ONCE_V2,
    AT_LEAST_ONCE
  }

  /** How threads share the partitions. */
  public enum GroupProtocol {
    /** {@link #STREAMS} where broker and group allow it, otherwise {@link #CLASSIC}. */
    AUTO,
    /** KIP-1071. */
    STREAMS,
    CLASSIC
  }

  public StreamsSettings {
    properties = properties == null ? Map.of() : Map.copyOf(properties);
    if (transactionTimeout.compareTo(commitInterval.multipliedBy(4)) < 0) {
      throw new IllegalArgumentException(
          "hyperstream.streams.transaction-timeout ("
              + transactionTimeout
              + ") should be at least four times commit-interval ("
              + commitInterval
              + ")");
    }
    if (maxPass.isNegative() || maxPass.isZero()) {
      throw new IllegalArgumentException(
          "hyperstream.streams.max-pass should be positive; got " + maxPass);
    }
  }

  /** Without the properties' values: there may be secrets among them. */
  @Override
  public String toString() {
    return "StreamsSettings[threads="
        + threads
        + ", guarantee="
        + guarantee
        + ", properties="
        + properties.keySet()
        + "]";
  }
}
