package io.hyperstream.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.context.env.DefaultEnvironment;
import io.micronaut.context.env.Environment;
import io.micronaut.context.env.PropertySource;
import io.micronaut.core.naming.NameUtils;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Names of settings")
class SettingNamesTest {

  private static void check(Map<String, Object> file) {
    try (Environment environment = new DefaultEnvironment(() -> List.of("test"))) {
      environment.addPropertySource(PropertySource.of("my.yml", file));
      environment.start();
      SettingNames.check(environment);
    }
  }

  @Test
  @DisplayName("application.yml has every setting that is read")
  void complete() {
    Set<String> known = SettingNames.known();
    for (Class<?> group :
        Stream.of(
                AdaptationPolicySettings.class,
                AdaptationSettings.class,
                EngineSettings.class,
                HttpSettings.class,
                KafkaSettings.class,
                LimitSettings.class,
                ModelSettings.class,
                RegistrySettings.class,
                RoleSettings.class,
                S3Settings.class,
                StreamsSettings.class,
                TracingSettings.class)
            .toList()) {
      String prefix = group.getAnnotation(ConfigurationProperties.class).value();
      for (RecordComponent component : group.getRecordComponents()) {
        String name = prefix + "." + NameUtils.hyphenate(component.getName(), true);
        if (component.getType() == Map.class) {
          SettingNames.require(name + ".any.name");
        } else {
          assertThat(known).contains(name);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "hyperstream.model.presision, hyperstream.model.precision",
    "hyperstream.stream.threads, hyperstream.streams.threads",
    "hyperstream.kafka.partition, hyperstream.kafka.partitions"
  })
  @DisplayName("a file that misspells one is refused with the name it may have meant")
  void misspelt(String written, String meant) {
    assertThatThrownBy(() -> check(Map.of(written, "1")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(written + " is no setting; did you mean ")
        .hasMessageContaining(meant)
        .hasMessageContaining("my.yml");
    assertThatThrownBy(() -> SettingNames.require(written)).hasMessageContaining(meant);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hyperstream.model.precision",
        "hyperstream.streams.maxPass",
        "hyperstream.http.api-keys[0].sha256",
        "hyperstream.http.allowed-hosts[1]",
        "hyperstream.kafka.properties.sasl.mechanism",
        "hyperstream.streams.properties.main.consumer.fetch.min.bytes",
        "micronaut.server.context-path"
      })
  @DisplayName("settings, elements of lists, clients' properties and others' settings are taken")
  void known(String name) {
    assertThatCode(() -> check(Map.of(name, "1"))).doesNotThrowAnyException();
  }

  @Test
  @DisplayName("variables that nothing reads are told, with the one that may have been meant")
  void variables() {
    assertThat(
            SettingNames.unknownVariables(
                List.of(
                    "HYPERSTREAM_MODEL_PRECISION",
                    "HYPERSTREAM_MODEL_PRESISION",
                    "HYPERSTREAM_DATA_DIR",
                    "HYPERSTREAM_HTTP_API_KEYS_0_NAME",
                    "HYPERSTREAM_HTTP_ALLOWED_HOSTS_1",
                    "HYPERSTREAM_KAFKA_PROPERTIES_SASL_MECHANISM",
                    "HYPERSTREAM_HTTP_SERVICE_HOST",
                    "HYPERSTREAM_HTTP_PORT_8080_TCP_ADDR",
                    "PATH"),
                SettingNames.known()))
        .containsExactly(
            "HYPERSTREAM_MODEL_PRESISION is no setting; did you mean HYPERSTREAM_MODEL_PRECISION?");
  }
}
