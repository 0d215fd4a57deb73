package io.hyperstream.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.streams.RoleRuntime;
import io.micronaut.context.ApplicationContext;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.context.env.EnvironmentPropertySource;
import io.micronaut.context.env.MapPropertySource;
import io.micronaut.context.env.PropertySource;
import io.micronaut.core.naming.NameUtils;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.yaml.snakeyaml.Yaml;

@DisplayName("The configuration")
class SettingsTest {
  private static final List<Class<? extends Record>> SECTIONS =
      List.of(
          KafkaSettings.class,
          RegistrySettings.class,
          StreamsSettings.class,
          EngineSettings.class,
          ModelSettings.class,
          S3Settings.class,
          AdaptationSettings.class,
          AdaptationPolicySettings.class,
          LimitSettings.class,
          HttpSettings.class,
          TracingSettings.class);

  private static <T> T settings(Class<T> type, Map<String, Object> properties) {
    try (ApplicationContext context = ApplicationContext.run(properties)) {
      return context.getBean(type);
    }
  }

  @Test
  @DisplayName("has a default for everything")
  void defaults() {
    KafkaSettings kafka = settings(KafkaSettings.class, Map.of());
    assertThat(kafka.bootstrapServers()).isEqualTo("localhost:9092");
    assertThat(kafka.topicPrefix()).isEmpty();
    assertThat(kafka.retention()).isEqualTo(Duration.ofDays(7));
    assertThat(kafka.properties()).isEmpty();
    StreamsSettings streams = settings(StreamsSettings.class, Map.of());
    assertThat(streams.guarantee()).isEqualTo(StreamsSettings.Guarantee.EXACTLY_ONCE_V2);
    assertThat(streams.groupProtocol()).isEqualTo(StreamsSettings.GroupProtocol.CLASSIC);
    for (Class<? extends Record> section : SECTIONS) {
      assertThat(settings(section, Map.of())).isNotNull();
    }
  }

  @Test
  @DisplayName("gives every topic prefix a consumer group of its own, unless told otherwise")
  void groupOfPrefix() {
    assertThat(settings(KafkaSettings.class, Map.of()).applicationId())
        .isEqualTo("hyperstream-inference");
    Map<String, Object> prefix = Map.of("hyperstream.kafka.topic-prefix", "team-a.");
    assertThat(settings(KafkaSettings.class, prefix).applicationId())
        .isEqualTo("team-a.hyperstream-inference");
    Map<String, Object> both = new HashMap<>(prefix);
    both.put("hyperstream.kafka.application-id", "mine");
    assertThat(settings(KafkaSettings.class, both).applicationId()).isEqualTo("mine");
  }

  @Test
  @DisplayName("runs the roles it names, however they are written")
  void roles() {
    assertThat(settings(RoleSettings.class, Map.of()).roles())
        .containsExactlyInAnyOrder("inference", "adaptation");
    for (Object one : List.of("adaptation", "Adaptation", List.of("adaptation"))) {
      Map<String, Object> properties = Map.of(RoleSettings.KEY, one);
      assertThat(settings(RoleSettings.class, properties).roles()).containsExactly("adaptation");
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        assertThat(context.getBeansOfType(RoleRuntime.class))
            .extracting(RoleRuntime::name)
            .containsExactly("adaptation");
      }
    }
  }

  @Test
  @DisplayName("has every key in application.yml, and no other")
  void documented() throws Exception {
    Map<String, Object> yaml;
    try (InputStream in = SettingsTest.class.getResourceAsStream("/application.yml")) {
      yaml = new Yaml().load(in);
    }
    for (Class<? extends Record> section : SECTIONS) {
      String name = section.getAnnotation(ConfigurationProperties.class).value();
      List<String> keys =
          List.of(section.getRecordComponents()).stream()
              .map(RecordComponent::getName)
              .map(NameUtils::hyphenate)
              .filter(key -> !key.equals("properties")) // shown as a comment
              .toList();
      Map<String, Object> written = new HashMap<>(at(yaml, name));
      written.keySet().removeIf(key -> isSection(name + "." + key));
      assertThat(written).as(name).containsOnlyKeys(keys.toArray(String[]::new));
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> at(Map<String, Object> yaml, String path) {
    Map<String, Object> at = yaml;
    for (String key : path.split("\\.", -1)) {
      at = (Map<String, Object>) at.get(key);
    }
    return at;
  }

  private static boolean isSection(String name) {
    return SECTIONS.stream()
        .anyMatch(type -> type.getAnnotation(ConfigurationProperties.class).value().equals(name));
  }

  @Test
  @DisplayName("can be changed by the environment")
  void environment() {
    PropertySource environment =
        new MapPropertySource(
            "test-env",
            Map.of(
                "HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS", "broker:1",
                "HYPERSTREAM_STREAMS_GUARANTEE", "at_least_once",
                "HYPERSTREAM_STREAMS_GROUP_PROTOCOL", "classic",
                "HYPERSTREAM_ENGINE_MAX_LINGER", "250ms",
                "HYPERSTREAM_MODEL_ADAPTER_MEGABYTES", "7")) {
          @Override
          public PropertyConvention getConvention() {
            return PropertyConvention.ENVIRONMENT_VARIABLE;
          }

          @Override
          public int getOrder() {
            return EnvironmentPropertySource.POSITION;
          }
        };
    try (ApplicationContext context =
        ApplicationContext.builder().propertySources(environment).start()) {
      assertThat(context.getBean(KafkaSettings.class).bootstrapServers()).isEqualTo("broker:1");
      StreamsSettings streams = context.getBean(StreamsSettings.class);
      assertThat(streams.guarantee()).isEqualTo(StreamsSettings.Guarantee.AT_LEAST_ONCE);
      assertThat(streams.groupProtocol()).isEqualTo(StreamsSettings.GroupProtocol.CLASSIC);
      assertThat(context.getBean(EngineSettings.class).maxLinger())
          .isEqualTo(Duration.ofMillis(250));
      assertThat(context.getBean(ModelSettings.class).adapterMegabytes()).isEqualTo(7);
    }
  }

  @Test
  @DisplayName("hands client properties on with their names unchanged")
  void passThrough() {
    Map<String, Object> properties =
        Map.of(
            "hyperstream.kafka.properties.security.protocol", "SASL_SSL",
            "hyperstream.kafka.properties.sasl.jaas.config", "x.Y required user=\"a\";",
            "hyperstream.registry.properties.basic.auth.user.info", "a:b",
            "hyperstream.tracing.properties.otel.exporter.otlp.headers", "key=secret",
            "hyperstream.streams.properties.main.consumer.fetch.max.bytes", "1000");
    assertThat(settings(KafkaSettings.class, properties).properties())
        .containsOnly(
            Map.entry("security.protocol", "SASL_SSL"),
            Map.entry("sasl.jaas.config", "x.Y required user=\"a\";"));
    assertThat(settings(RegistrySettings.class, properties).properties())
        .containsOnly(Map.entry("basic.auth.user.info", "a:b"));
    TracingSettings tracing = settings(TracingSettings.class, properties);
    assertThat(tracing.properties())
        .containsOnly(Map.entry("otel.exporter.otlp.headers", "key=secret"));
    assertThat(tracing.toString()).doesNotContain("secret");
    assertThat(settings(StreamsSettings.class, properties).properties())
        .containsOnly(Map.entry("main.consumer.fetch.max.bytes", "1000"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @CsvSource({
    "hyperstream.kafka.bootstrap-servers, '', KafkaSettings, bootstrapServers",
    "hyperstream.kafka.application-id, 'a b', KafkaSettings, applicationId",
    "hyperstream.registry.url, '', RegistrySettings, url",
    "hyperstream.streams.threads, 0, StreamsSettings, threads",
    "hyperstream.streams.transaction-timeout, 200ms, StreamsSettings, transaction-timeout",
    "hyperstream.streams.max-pass, 0s, StreamsSettings, max-pass",
    "hyperstream.engine.max-batch-rows, 0, EngineSettings, maxBatchRows",
    "hyperstream.engine.window-bytes, 10, EngineSettings, windowBytes",
    "hyperstream.model.adapter-megabytes, 0, ModelSettings, adapterMegabytes",
    "hyperstream.limits.max-header-bytes, 1000000, LimitSettings, maxHeaderBytes",
    "hyperstream.adaptation.trainer-threads, 0, AdaptationSettings, trainerThreads",
    "hyperstream.adaptation.max-inline-weights-bytes, 3000000, AdaptationSettings, maxInlineWeightsBytes",
    "hyperstream.adaptation-policy.held-out-fraction, 0.6, AdaptationPolicySettings, heldOutFraction",
    "hyperstream.adaptation-policy.promotion-probability, 0.4, AdaptationPolicySettings, promotionProbability",
    "hyperstream.http.max-streams, -1, HttpSettings, maxStreams",
    "hyperstream.http.max-body-bytes, 10, HttpSettings, maxBodyBytes",
    "hyperstream.roles, infrence, RoleSettings, infrence",
    "hyperstream.roles, '', RoleSettings, comma"
  })
  @DisplayName("refuses what cannot be, naming the key")
  void refuses(String key, String value, String section, String named) throws Exception {
    Class<?> type = Class.forName(SettingsTest.class.getPackageName() + "." + section);
    assertThatThrownBy(() -> settings(type, Map.of(key, value))).hasMessageContaining(named);
  }
}
