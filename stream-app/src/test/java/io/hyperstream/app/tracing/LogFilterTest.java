package io.hyperstream.app.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.NetworkClient;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LogFilterTest {
  private final LoggerContext context = new LoggerContext();
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final AtomicLong now = new AtomicLong(-5);
  private final Logger client = context.getLogger(NetworkClient.class);

  @BeforeEach
  void filter() {
    context.addTurboFilter(new LogFilter(now::get));
    context.getLogger("ROOT").setLevel(Level.INFO);
    logged.start();
    context.getLogger("ROOT").addAppender(logged);
  }

  private List<String> messages() {
    return logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  @DisplayName(
      "a warning of Kafka's clients is logged once in five seconds, whichever client has it")
  void repeated() {
    for (int second = 0; second < 10; second++) {
      for (int i = 0; i < 40; i++) {
        client.warn("[Producer clientId=p" + i + "] Node {} is gone", i);
        client.warn("[Producer clientId=p" + i + "] Another matter");
      }
      now.addAndGet(LogFilter.PAUSE_NANOS / 5);
    }
    assertThat(messages())
        .containsExactly(
            "[Producer clientId=p0] Node 0 is gone",
            "[Producer clientId=p0] Another matter",
            "[Producer clientId=p0] Node 0 is gone",
            "[Producer clientId=p0] Another matter");
  }

  @Test
  @DisplayName("errors, other loggers and levels are as they were")
  void others() {
    for (int i = 0; i < 3; i++) {
      client.error("[Consumer clientId=c] broken");
      client.info("something");
      client.debug("details");
      context.getLogger("io.hyperstream.x").warn("ours");
    }
    assertThat(messages())
        .containsExactly(
            "[Consumer clientId=c] broken",
            "something",
            "ours",
            "[Consumer clientId=c] broken",
            "something",
            "ours",
            "[Consumer clientId=c] broken",
            "something",
            "ours");
  }

  @Test
  @DisplayName("warnings of a healthy start are left out, others of the same logger are not")
  void healthy() {
    Logger cuda = context.getLogger("ai.djl.util.cuda.CudaUtils");
    cuda.warn("Failed to detect GPU count: {} ({})", "no device", 35);
    cuda.warn("Something else");
    client.warn(
        "[Consumer clientId=c] The metadata response from the cluster reported a recoverable issue"
            + " with correlation id {} : {}",
        2,
        "{t=UNKNOWN_TOPIC_OR_PARTITION}");
    assertThat(messages()).containsExactly("Something else");
  }
}
