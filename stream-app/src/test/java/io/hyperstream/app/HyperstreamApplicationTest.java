package io.hyperstream.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The application")
class HyperstreamApplicationTest {

  @Test
  @DisplayName("says why it cannot serve, and is then neither ready nor alive")
  void noCluster() throws Exception {
    Map<String, Object> properties =
        Map.of(
            "hyperstream.kafka.bootstrap-servers", "127.0.0.1:1",
            "hyperstream.kafka.start-patience", "1s",
            "hyperstream.http.port", -1);
    try (HyperstreamApplication application = HyperstreamApplication.start(properties)) {
      assertThatThrownBy(() -> application.awaitRunning(Duration.ofSeconds(60)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("bootstrap servers");
      assertThat(status(application, "/health/readiness")).isEqualTo(503);
      assertThat(status(application, "/health/liveness")).isEqualTo(503);
      assertThat(application.ended()).isCompletedExceptionally();
    }
  }

  private static int status(HyperstreamApplication application, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + application.port() + path);
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  @Test
  @DisplayName("logs text, or JSON if so configured")
  void logging() throws Exception {
    assertThat(encoder("text")).isInstanceOf(PatternLayoutEncoder.class);
    assertThat(encoder("json")).isInstanceOf(JsonEncoder.class);
  }

  @Test
  @DisplayName("says at the end of a line which request or task it is about, if it is about one")
  void loggedFields() throws Exception {
    assertThat(line("text", Map.of())).endsWith(" a message" + System.lineSeparator());
    assertThat(line("text", Map.of("taskId", "mood")))
        .endsWith(" a message [taskId=mood]" + System.lineSeparator());
    assertThat(line("text", Map.of("requestId", "r1", "taskId", "mood")))
        .contains(" a message [", "requestId=r1", ", ", "taskId=mood");
    assertThat(line("json", Map.of("taskId", "mood"))).contains("\"taskId\":\"mood\"");
  }

  private static String line(String format, Map<String, String> fields) throws Exception {
    Encoder<ILoggingEvent> encoder = encoder(format);
    LoggingEvent event = new LoggingEvent();
    event.setLoggerContext((LoggerContext) encoder.getContext());
    event.setLevel(Level.INFO);
    event.setLoggerName("a.logger");
    event.setThreadName("a thread");
    event.setMessage("a message");
    event.setInstant(Instant.EPOCH);
    event.setMDCPropertyMap(fields);
    return new String(encoder.encode(event), StandardCharsets.UTF_8);
  }

  private static Encoder<ILoggingEvent> encoder(String format) throws Exception {
    LoggerContext context = new LoggerContext();
    context.putProperty("HYPERSTREAM_LOGGING_FORMAT", format);
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(HyperstreamApplicationTest.class.getResource("/logback.xml"));
    assertThat(context.getStatusManager().getCopyOfStatusList())
        .noneMatch(status -> status.getEffectiveLevel() > ch.qos.logback.core.status.Status.INFO);
    ConsoleAppender<ILoggingEvent> appender =
        (ConsoleAppender<ILoggingEvent>) context.getLogger("ROOT").getAppender("STDERR");
    assertThat(appender.getTarget()).isEqualTo("System.err");
    return appender.getEncoder();
  }
}
