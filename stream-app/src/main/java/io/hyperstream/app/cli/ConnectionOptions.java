package io.hyperstream.app.cli;

import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import picocli.CommandLine.Option;

/** Where Kafka and the registry are; the same options on every command that talks to them. */
final class ConnectionOptions {
  /** Where {@code serve --embedded} listens unless told otherwise. */
  static final String EMBEDDED_BOOTSTRAP = "127.0.0.1:9092";

  static final String EMBEDDED_REGISTRY = "http://127.0.0.1:8081/apis/ccompat/v7";

  private static final int MAX_CONFIG_BYTES = 1 << 20;

  @Option(
      names = "--bootstrap-servers",
      paramLabel = "HOST:PORT,..",
      defaultValue = "${env:HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS:-" + EMBEDDED_BOOTSTRAP + "}",
      description =
          "Kafka's brokers. Environment: HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS. Default: ${DEFAULT-VALUE},"
              + " where `serve --embedded` listens.")
  String bootstrapServers;

  @Option(
      names = "--schema-registry-url",
      paramLabel = "URL",
      defaultValue = "${env:HYPERSTREAM_REGISTRY_URL:-" + EMBEDDED_REGISTRY + "}",
      description =
          "The Confluent-compatible schema registry. Environment: HYPERSTREAM_REGISTRY_URL."
              + " Default: ${DEFAULT-VALUE}.")
  String schemaRegistryUrl;

  @Option(
      names = "--topic-prefix",
      paramLabel = "PREFIX",
      defaultValue = "${env:HYPERSTREAM_KAFKA_TOPIC_PREFIX:-}",
      description = "Prefix of every topic name. Environment: HYPERSTREAM_KAFKA_TOPIC_PREFIX.")
  String topicPrefix;

  @Option(
      names = "--command-config",
      paramLabel = "FILE",
      defaultValue = "${env:HYPERSTREAM_COMMAND_CONFIG}",
      description =
          "Java properties for TLS and SASL (security.protocol, sasl.*, ssl.*) and for the registry"
              + " (basic.auth.*, schema.registry.ssl.*). Environment: HYPERSTREAM_COMMAND_CONFIG.")
  Path commandConfig;

  /** The topics under the chosen prefix. */
  Topics topics() {
    return new Topics(Topics.Settings.defaults().withPrefix(topicPrefix));
  }

  /** The settings of {@code --command-config}; empty without one. */
  Map<String, String> settings() throws IOException {
    if (commandConfig == null) {
      return Map.of();
    }
    if (!Files.isRegularFile(commandConfig)) {
      throw CommandFailure.usage("--command-config: no such file: " + commandConfig);
    }
    if (Files.size(commandConfig) > MAX_CONFIG_BYTES) {
      throw CommandFailure.usage(
          "--command-config: " + commandConfig + " is larger than " + MAX_CONFIG_BYTES + " bytes");
    }
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(commandConfig, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(
          "--command-config: " + commandConfig + " is no properties file: " + e.getMessage());
    }
    Map<String, String> settings = new HashMap<>();
    properties.forEach((name, value) -> settings.put((String) name, (String) value));
    return settings;
  }

  Connection connect() throws IOException {
    return new Connection(bootstrapServers, schemaRegistryUrl, topics(), settings());
  }
}
