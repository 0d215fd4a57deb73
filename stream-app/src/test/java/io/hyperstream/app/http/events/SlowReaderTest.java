package io.hyperstream.app.http.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A reader who does not read")
class SlowReaderTest {
  private static final int EVENTS = 20_000;

  @Test
  @DisplayName("holds nobody up and fills no memory; it is told what it missed, to the last event")
  void told() throws Exception {
    Map<String, Object> properties =
        Map.of(
            "hyperstream.http.port", -1,
            "hyperstream.http.stream-buffer", 16,
            "hyperstream.kafka.bootstrap-servers", "127.0.0.1:1");
    try (EmbeddedServer server = ApplicationContext.run(EmbeddedServer.class, properties);
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4_096);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort()));
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              "GET /api/stream/reports HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .getBytes(StandardCharsets.UTF_8));
      EventStreams streams = server.getApplicationContext().getBean(EventStreams.class);
      await("the stream").atMost(Duration.ofSeconds(20)).until(() -> streams.size() == 1);
      List<EventClient> readers = streams.wanting(Channel.REPORTS, "any");
      Map<String, String> kilobyte = Map.of("text", "x".repeat(1_000));
      for (int i = 0; i < EVENTS; i++) {
        streams.send(readers, "large", kilobyte); // never waits
      }
      int received = 0;
      int skipped = 0;
      Pattern count = Pattern.compile("\\{\"count\":(\\d+)}");
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      while (received + skipped < EVENTS) {
        String line = lines.readLine();
        assertThat(line).as("%d received, %d skipped", received, skipped).isNotNull();
        received += line.startsWith("event: large") ? 1 : 0;
        Matcher matcher = count.matcher(line);
        skipped += matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
      }
      assertThat(received + skipped).isEqualTo(EVENTS);
      // What fits into buffers of sockets got through, a few megabytes at most.
      assertThat(skipped).isGreaterThan(EVENTS / 2);
    }
  }
}
