package io.hyperstream.app.streams;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import io.hyperstream.schemas.RegistryAnswer;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Asks the registry every few seconds whether it answers, so that health checks need not wait. */
public final class RegistryProbe implements AutoCloseable {
  private static final long EVERY_SECONDS = 3;

  private final SchemaRegistryClient registry;
  private final String subject;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread probe = new Thread(task, "hyperstream-registry-probe");
            probe.setDaemon(true);
            return probe;
          });
  private volatile Optional<String> problem = Optional.of("not asked yet");

  /**
   * @param subject one that is registered; its versions are never answered from a cache
   */
  public RegistryProbe(SchemaRegistryClient registry, String subject) {
    this.registry = registry;
    this.subject = subject;
  }

  public RegistryProbe start() {
    var unused = thread.scheduleWithFixedDelay(this::ask, 0, EVERY_SECONDS, TimeUnit.SECONDS);
    return this;
  }

  private void ask() {
    try {
      registry.getAllVersions(subject);
      problem = Optional.empty();
    } catch (RestClientException e) {
      // An answer about the subject is an answer; a server's own error is none.
      problem =
          e.getStatus() >= 500
              ? Optional.of("the schema registry answers with " + RegistryAnswer.of(e))
              : Optional.empty();
    } catch (IOException | RuntimeException e) {
      problem = Optional.of("the schema registry cannot be reached: " + e);
    }
  }

  /** What was wrong when it was last asked; empty if nothing was. */
  public Optional<String> problem() {
    return problem;
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
