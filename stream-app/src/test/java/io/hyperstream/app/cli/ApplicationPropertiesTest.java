package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.RegistrySettings;
import io.micronaut.context.ApplicationContext;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ApplicationPropertiesTest {

  @Test
  @DisplayName("client settings reach Kafka and the registry, the registry's own only the registry")
  void clientSettings() {
    Map<String, Object> properties =
        new ApplicationProperties()
            .clientSettings(
                Map.of("security.protocol", "SASL_SSL", "basic.auth.user.info", "name:secret"))
            .toMap();

    assertThat(properties)
        .containsEntry("hyperstream.kafka.properties.security.protocol", "SASL_SSL")
        .containsEntry("hyperstream.registry.properties.basic.auth.user.info", "name:secret")
        .doesNotContainKey("hyperstream.kafka.properties.basic.auth.user.info");
  }

  @Test
  @DisplayName("what a file of client settings says reaches the clients as it is")
  void literal() {
    Map<String, String> file =
        Map.of(
            "sasl.jaas.config", "Login required password=\"pa${ss}w:or$d\";",
            "config.providers", "file",
            "ssl.keystore.password", "${file:/run/secrets/client.properties:pw}",
            "ssl.key.password", "${a:${b:c}}$${${");
    Map<String, Object> properties =
        new ApplicationProperties().clientSettings(file).modelDir("/models/${x:y}").toMap();

    try (ApplicationContext context = ApplicationContext.run(properties)) {
      assertThat(context.getBean(KafkaSettings.class).properties()).isEqualTo(file);
      assertThat(context.getBean(RegistrySettings.class).properties()).isEqualTo(file);
      assertThat(context.getBean(ModelSettings.class).dir()).isEqualTo("/models/${x:y}");
    }
  }

  @Test
  @DisplayName("only what was said is set, so that the configuration decides the rest")
  void onlyWhatWasSaid() {
    assertThat(new ApplicationProperties().toMap()).isEmpty();
    assertThat(
            new ApplicationProperties()
                .cluster("kafka:9092", "http://registry:8081")
                .modelDir("s3://bucket/models")
                .httpPort(-1)
                .toMap())
        .containsOnlyKeys(
            "hyperstream.kafka.bootstrap-servers",
            "hyperstream.registry.url",
            "hyperstream.model.dir",
            "hyperstream.http.port");
  }
}
