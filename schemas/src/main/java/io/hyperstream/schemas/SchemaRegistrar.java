package io.hyperstream.schemas;

import io.confluent.kafka.schemaregistry.CompatibilityLevel;
import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Registers the contract's schemas at start-up, each subject under {@code FULL_TRANSITIVE}. Running
 * it again, or in several replicas at once, changes nothing. A registry that already has everything
 * is only read, so an application may run without the right to write. Not thread-safe.
 */
public final class SchemaRegistrar {
  private static final Logger LOG = LoggerFactory.getLogger(SchemaRegistrar.class);
  private static final String COMPATIBILITY = CompatibilityLevel.FULL_TRANSITIVE.name;
  private static final int SCHEMA_NOT_FOUND = 40403;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final SchemaRegistryClient registry;
  private final Topics topics;

  public SchemaRegistrar(SchemaRegistryClient registry, Topics topics) {
    this.registry = registry;
    this.topics = topics;
  }

  /**
   * Registers every subject; while the registry cannot be reached, waits and tries again.
   *
   * @param patience how long to go on trying, over all subjects
   * @throws SchemaRefusedException if the registry refuses a schema or the request
   * @throws RegistryUnavailableException if it cannot be reached in time
   * @throws InterruptedException if interrupted while waiting
   */
  public void register(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    List<String> registered = new ArrayList<>();
    for (Map.Entry<String, AvroSchema> entry : Subjects.of(topics).entrySet()) {
      if (registerPatiently(entry.getKey(), entry.getValue(), deadline, patience)) {
        registered.add(entry.getKey());
      }
    }
    if (!registered.isEmpty()) {
      LOG.info("Registered the schemas of {}", String.join(", ", registered));
    }
  }

  /** Whether it was new. */
  private boolean registerPatiently(
      String subject, AvroSchema schema, long deadline, Duration patience)
      throws InterruptedException {
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, () -> {}); // ends at the deadline
    while (true) {
      String problem;
      Exception failure;
      try {
        return registerOnce(subject, schema);
      } catch (RestClientException e) {
        if (!isTransient(e)) {
          throw refused(subject, e);
        }
        problem = "it answered " + RegistryAnswer.of(e);
        failure = e;
      } catch (IOException e) {
        problem = e.toString();
        failure = e;
      }
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new RegistryUnavailableException(
            "the schema registry could not register "
                + subject
                + " within "
                + patience.toSeconds()
                + " s: "
                + problem
                + "; check its URL and that it runs",
            failure);
      }
      long pause = backoff.failed().toMillis();
      if (backoff.isToBeSaid()) {
        LOG.warn("The schema registry is not available yet ({}); trying again", problem);
      }
      Thread.sleep(Math.max(1, Math.min(pause, left / 1_000_000)));
    }
  }

  private boolean registerOnce(String subject, AvroSchema schema)
      throws IOException, RestClientException {
    Known known = lookUp(subject, schema);
    boolean guarded = isGuarded(subject);
    if (known == Known.OTHER_VERSIONS && !guarded) {
      guard(subject);
      guarded = true;
    }
    if (known != Known.REGISTERED) {
      registry.register(subject, schema);
    }
    if (!guarded) {
      // After the first version: a registry need not take rules for a subject it does not know.
      guard(subject);
    }
    return known != Known.REGISTERED;
  }

  /** Someone who starts at the same moment may set the rule between our question and our order. */
  private void guard(String subject) throws IOException, RestClientException {
    try {
      registry.updateCompatibility(subject, COMPATIBILITY);
    } catch (RestClientException e) {
      if (!isGuarded(subject)) {
        throw e;
      }
    }
  }

  /** What the registry has of a subject. */
  private enum Known {
    NOTHING,
    OTHER_VERSIONS,
    REGISTERED
  }

  private Known lookUp(String subject, AvroSchema schema) throws IOException, RestClientException {
    try {
      registry.getId(subject, schema);
      return Known.REGISTERED;
    } catch (RestClientException e) {
      if (isNotFound(e)) {
        return e.getErrorCode() == SCHEMA_NOT_FOUND ? Known.OTHER_VERSIONS : Known.NOTHING;
      }
      throw e;
    }
  }

  private boolean isGuarded(String subject) throws IOException, RestClientException {
    try {
      return COMPATIBILITY.equals(registry.getCompatibility(subject));
    } catch (RestClientException e) {
      if (isNotFound(e)) {
        return false;
      }
      throw e;
    }
  }

  private static boolean isNotFound(RestClientException e) {
    return e.getStatus() == 404;
  }

  private static boolean isTransient(RestClientException e) {
    return e.getStatus() >= 500 || e.getStatus() == 429 || e.getStatus() == 408;
  }

  private static SchemaRefusedException refused(String subject, RestClientException e) {
    String advice =
        switch (e.getStatus()) {
          case 409 ->
              "the subject holds a version this one is not FULL_TRANSITIVE compatible with. Run the"
                  + " Hyperstream version that registered it, or use another topic prefix; if nothing"
                  + " reads the old records any more, delete the subject in the registry";
          case 401, 403 ->
              "check the registry's credentials, or have the schemas registered by someone with the"
                  + " right to write";
          case 404 -> "check that the URL is that of a Confluent-compatible registry";
          default -> "see the registry's log";
        };
    return new SchemaRefusedException(
        "the schema registry refused " + subject + " (" + RegistryAnswer.of(e) + "): " + advice, e);
  }
}
