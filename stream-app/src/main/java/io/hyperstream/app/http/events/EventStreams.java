package io.hyperstream.app.http.events;

import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.app.http.problem.ProblemException;
import io.micronaut.http.HttpStatus;
import io.micronaut.serde.ObjectMapper;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The open streams. Any thread; none waits. */
@Singleton
public final class EventStreams {
  private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);
  private static final int PER_SECOND = 50;
  private static final int BEAT_SECONDS = 10;

  private final HttpSettings settings;
  private final ObjectMapper mapper;
  private final Set<EventClient> clients = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hyperstream-http-events");
            thread.setDaemon(true);
            return thread;
          });
  private long seconds; // clock thread only
  private boolean closed; // guarded by this

  EventStreams(HttpSettings settings, ObjectMapper mapper) {
    this.settings = settings;
    this.mapper = mapper;
    var unused = clock.scheduleAtFixedRate(this::tick, 1, 1, TimeUnit.SECONDS);
  }

  private void tick() {
    boolean beat = ++seconds % BEAT_SECONDS == 0;
    for (EventClient client : clients) {
      try {
        client.tellSkipped();
        if (beat) {
          client.beat();
        }
      } catch (RuntimeException e) {
        LOG.debug("A stream ends", e);
        forget(client);
      }
    }
  }

  /** Runs something every second, as long as anyone listens to a channel. */
  void everySecond(Channel channel, Runnable task) {
    var unused =
        clock.scheduleAtFixedRate(
            () -> {
              try {
                if (hasClients(channel)) {
                  task.run();
                }
              } catch (RuntimeException e) {
                LOG.warn("Nothing for {} this second", channel, e);
              }
            },
            1,
            1,
            TimeUnit.SECONDS);
  }

  /**
   * A new stream.
   *
   * @param task whose events alone are wanted; empty: all
   * @throws ProblemException 429 if there are too many already
   */
  Publisher<byte[]> open(Channel channel, String task) {
    EventClient client = new EventClient(channel, task, settings.streamBuffer(), PER_SECOND);
    synchronized (this) {
      if (closed) {
        throw ProblemException.notNow("the process is closing");
      }
      if (clients.size() >= settings.maxStreams()) {
        throw new ProblemException(
            HttpStatus.TOO_MANY_REQUESTS,
            settings.maxStreams()
                + " streams are open already (hyperstream.http.max-streams); close one");
      }
      clients.add(client);
    }
    client.offer(": welcome\n\n".getBytes(StandardCharsets.UTF_8)); // headers go out at once
    return client.flux(this::forget);
  }

  private void forget(EventClient client) {
    clients.remove(client);
  }

  boolean hasClients(Channel channel) {
    return clients.stream().anyMatch(client -> client.channel() == channel);
  }

  /** Whether anyone wants an event of a task now; it counts as sent to them. */
  List<EventClient> wanting(Channel channel, String taskId) {
    long now = System.nanoTime();
    return clients.stream()
        .filter(client -> client.channel() == channel && client.wants(taskId))
        .filter(client -> client.admits(now))
        .toList();
  }

  /** Sends an event of a task to whoever wants it. */
  void publish(Channel channel, String name, String taskId, Object data) {
    send(wanting(channel, taskId), name, data);
  }

  /** The event is written once, whatever the number of streams. */
  void send(List<EventClient> to, String name, Object data) {
    if (!to.isEmpty()) {
      byte[] event = write(name, data);
      to.forEach(client -> client.offer(event));
    }
  }

  /** JSON has no line breaks of its own, so one line holds it. */
  private byte[] write(String name, Object data) {
    try (ByteArrayOutputStream out = new ByteArrayOutputStream(512)) {
      out.write(("event: " + name + "\ndata: ").getBytes(StandardCharsets.UTF_8));
      out.write(mapper.writeValueAsBytes(data));
      out.write('\n');
      out.write('\n');
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write an event", e);
    }
  }

  /** Open streams. */
  public int size() {
    return clients.size();
  }

  /** Ends every stream, before anything they show goes away. A second call does nothing. */
  @PreDestroy
  public void close() {
    synchronized (this) {
      closed = true;
    }
    clock.shutdownNow();
    clients.forEach(EventClient::end);
  }
}
