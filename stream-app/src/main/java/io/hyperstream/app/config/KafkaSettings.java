package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import io.micronaut.core.convert.format.MapFormat;
import io.micronaut.core.naming.conventions.StringConvention;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.time.Duration;
import java.util.Map;

/**
 * {@code hyperstream.kafka}: the cluster and what may be created in it.
 *
 * @param bootstrapServers host:port, several with commas
 * @param applicationId consumer group and prefix of the transactional ids
 * @param topicPrefix before every topic name; may be empty
 * @param createTopics whether missing topics are created at start-up
 * @param partitions of created topics that carry load
 * @param replicationFactor of created topics; -1: the broker's default
 * @param retention of created topics with requests, predictions, labels and reports
 * @param deadLetterRetention of the dead letters, if created
 * @param startPatience how long the start waits for the cluster
 * @param properties handed to every Kafka client as they are (security and the like)
 */
@ConfigurationProperties("hyperstream.kafka")
public record KafkaSettings(
    @NotBlank String bootstrapServers,
    @NotBlank @Pattern(regexp = "[A-Za-z0-9._-]{1,200}") String applicationId,
    @NotNull @Bindable(defaultValue = "") String topicPrefix,
    boolean createTopics,
    @Min(1) @Max(10_000) int partitions,
    @Min(-1) @Max(100) int replicationFactor,
    @NotNull Duration retention,
    @NotNull Duration deadLetterRetention,
    @NotNull Duration startPatience,
    @MapFormat(transformation = MapFormat.MapTransformation.FLAT, keyFormat = StringConvention.RAW)
        Map<String, String> properties) {

  public KafkaSettings {
    properties = properties == null ? Map.of() : Map.copyOf(properties);
  }

  /** Without the properties' values: there are secrets among them. */
  @Override
  public String toString() {
    return "KafkaSettings[bootstrapServers="
        + bootstrapServers
        + ", properties="
        + properties.keySet()
        + "]";
  }
}
