package io.hyperstream.schemas;

import io.confluent.kafka.schemaregistry.avro.AvroSchemaProvider;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClientConfig;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClientFactory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes the one registry client an application shares. */
public final class SchemaRegistries {
  private static final int SCHEMAS_PER_SUBJECT = 1000;

  /** Outages are retried by us, with back-off and a deadline, so one call is short. */
  private static final Map<String, String> DEFAULTS =
      Map.of(
          SchemaRegistryClientConfig.HTTP_CONNECT_TIMEOUT_MS, "3000",
          SchemaRegistryClientConfig.HTTP_READ_TIMEOUT_MS, "10000",
          SchemaRegistryClientConfig.MAX_RETRIES_CONFIG, "0");

  private SchemaRegistries() {}

  /**
   * A caching, thread-safe client; it connects on first use.
   *
   * @param urls one address or several with commas; {@code mock://name} is an in-memory registry
   *     shared by name
   * @param configs Confluent's client settings: {@code basic.auth.user.info}, {@code
   *     schema.registry.ssl.*} and so on; they win over the defaults
   */
  public static SchemaRegistryClient connect(String urls, Map<String, ?> configs) {
    List<String> addresses =
        Arrays.stream(urls.split(",", -1)).map(String::strip).filter(a -> !a.isEmpty()).toList();
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException(
          "the schema registry's URL is needed, for example http://localhost:8081; got '"
              + urls
              + "'");
    }
    Map<String, Object> merged = new HashMap<>(DEFAULTS);
    merged.putAll(configs);
    return SchemaRegistryClientFactory.newClient(
        addresses, SCHEMAS_PER_SUBJECT, List.of(new AvroSchemaProvider()), merged, Map.of());
  }
}
