package io.hyperstream.app.http.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

@DisplayName("A stream of events")
class EventClientTest {
  private final List<String> received = new ArrayList<>();
  private boolean completed;
  private int ends;

  /** Takes only what a test asks for. */
  private final BaseSubscriber<byte[]> connection =
      new BaseSubscriber<>() {
        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(byte[] event) {
          received.add(new String(event, StandardCharsets.UTF_8));
        }

        @Override
        protected void hookOnComplete() {
          completed = true;
        }
      };

  private static byte[] event(int number) {
    return ("data: " + number + "\n\n").getBytes(StandardCharsets.UTF_8);
  }

  private EventClient open(int capacity, int perSecond) {
    EventClient client = new EventClient(Channel.PREDICTIONS, "", capacity, perSecond);
    client.flux(gone -> ends++).subscribe(connection);
    return client;
  }

  @Test
  @DisplayName("sends no more than is taken, keeps the latest, and says how many it left out")
  void slow() {
    EventClient client = open(3, 100);
    for (int i = 0; i < 10; i++) {
      client.offer(event(i));
    }
    assertThat(received).isEmpty();
    connection.request(2);
    assertThat(received).containsExactly("data: 7\n\n", "data: 8\n\n");
    client.tellSkipped();
    client.tellSkipped(); // once is enough
    connection.request(10);
    assertThat(received.subList(2, received.size()))
        .containsExactly("event: skipped\ndata: {\"count\":7}\n\n", "data: 9\n\n");
  }

  @Test
  @DisplayName("lets so many through in a second, and counts the others")
  void fast() {
    EventClient client = open(10, 2);
    connection.request(100);
    long second = 5_000_000_000L;
    assertThat(client.admits(second)).isTrue();
    assertThat(client.admits(second + 1)).isTrue();
    assertThat(client.admits(second + 2)).isFalse();
    assertThat(client.admits(second + 1_000_000_000L)).isTrue();
    client.tellSkipped();
    assertThat(received).containsExactly("event: skipped\ndata: {\"count\":1}\n\n");
  }

  @Test
  @DisplayName("beats only while nothing else is to be sent")
  void beats() {
    EventClient client = open(10, 10);
    client.offer(event(1));
    client.beat();
    connection.request(10);
    assertThat(received).containsExactly("data: 1\n\n");
    client.beat();
    assertThat(received).last().isEqualTo(": alive\n\n");
  }

  @Test
  @DisplayName("ends when it is closed, and is forgotten once its reader is gone")
  void ends() {
    EventClient client = open(10, 10);
    client.end();
    client.offer(event(1));
    connection.request(10);
    assertThat(completed).isTrue();
    assertThat(received).isEmpty();
    assertThat(ends).isEqualTo(1);

    EventClient other = new EventClient(Channel.REPORTS, "", 10, 10);
    other.flux(gone -> ends++).subscribe().dispose();
    assertThat(ends).isEqualTo(2);
  }
}
