package io.hyperstream.app.cli;

import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.model.store.ModelStores;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What a command tells the application, in the words of {@code application.yml}. */
final class ApplicationProperties {
  private final Map<String, Object> properties = new HashMap<>();

  ApplicationProperties cluster(String bootstrapServers, String registryUrl) {
    properties.put("hyperstream.kafka.bootstrap-servers", bootstrapServers);
    properties.put("hyperstream.registry.url", registryUrl);
    return this;
  }

  ApplicationProperties topicPrefix(String prefix) {
    properties.put("hyperstream.kafka.topic-prefix", prefix);
    return this;
  }

  /** The settings of a {@code --command-config} file: to Kafka's clients and to the registry's. */
  ApplicationProperties clientSettings(Map<String, String> settings) {
    settings.forEach(
        (name, value) -> {
          properties.put("hyperstream.registry.properties." + name, value);
          if (!isOfRegistry(name)) {
            properties.put("hyperstream.kafka.properties." + name, value);
          }
        });
    return this;
  }

  ApplicationProperties roles(Set<String> roles) {
    properties.put(RoleSettings.KEY, String.join(",", roles));
    return this;
  }

  ApplicationProperties modelName(String reference) {
    properties.put("hyperstream.model.name", reference);
    return this;
  }

  ApplicationProperties modelDir(String store) {
    properties.put("hyperstream.model.dir", ModelStores.absolute(store));
    return this;
  }

  /** Of the model's arithmetic. */
  ApplicationProperties modelThreads(int threads) {
    properties.put("hyperstream.model.threads", threads);
    return this;
  }

  ApplicationProperties stateDir(Path directory) {
    properties.put("hyperstream.streams.state-dir", directory.toAbsolutePath().toString());
    return this;
  }

  /** -1 for a free one. */
  ApplicationProperties httpPort(int port) {
    properties.put("hyperstream.http.port", port);
    return this;
  }

  /** What was given stays as it is: neither a password nor a folder refers to other settings. */
  Map<String, Object> toMap() {
    Map<String, Object> literal = new HashMap<>(properties);
    literal.replaceAll(
        (name, value) -> value instanceof String text ? text.replace("${", "${:$}{") : value);
    return Map.copyOf(literal);
  }

  private static boolean isOfRegistry(String name) {
    return name.startsWith("basic.auth.")
        || name.startsWith("bearer.auth.")
        || name.startsWith("schema.registry.");
  }
}
