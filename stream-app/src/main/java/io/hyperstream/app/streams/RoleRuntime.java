package io.hyperstream.app.streams;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.micronaut.context.exceptions.BeanContextException;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.Admin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a role of this process and stops it. The start runs on a thread of its own, so that health
 * answers while the model loads; a start that fails is final. Public methods may be called from any
 * thread.
 */
public abstract class RoleRuntime implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RoleRuntime.class);

  private final String name;
  private final ClusterSettings settings;
  private final CompletableFuture<Void> running = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final Thread starter;
  private volatile String phase = "not started";
  private volatile RoleService service; // null until the model is loaded
  private boolean closing; // guarded by this

  /**
   * The cluster, ready: topics and schemas are there.
   *
   * @param admin for the start only
   */
  public record Cluster(Admin admin, Topics topics, SchemaRegistryClient registry) {}

  /**
   * @param name of the role, as in {@code hyperstream.roles}
   */
  protected RoleRuntime(String name, ClusterSettings settings) {
    this.name = name;
    this.settings = settings;
    starter = new Thread(this::startUp, "hyperstream-start-" + name);
    starter.setDaemon(true);
  }

  /** Makes the service, on the starting thread; says by {@link #phase(String)} what it is at. */
  protected abstract RoleService open(Cluster cluster) throws InterruptedException;

  /** The role's name. */
  public final String name() {
    return name;
  }

  /** Begins to start; returns at once. */
  public final void start() {
    starter.start();
  }

  /** Completes when it does its work; exceptionally, with the reason, if that will never be. */
  public final CompletableFuture<Void> running() {
    return running.copy();
  }

  /** Completes when it has ended: exceptionally if not by {@link #close}. */
  public final CompletableFuture<Void> ended() {
    return ended.copy();
  }

  private void startUp() {
    failOnThrow(this::prepareAndServe);
  }

  /** What the start consists of. */
  interface Start {
    void run() throws InterruptedException;
  }

  /** Whatever ends the start is the role's failure, also an error: nobody else would hear of it. */
  final void failOnThrow(Start start) {
    try {
      start.run();
    } catch (InterruptedException e) {
      fail(new IllegalStateException("closed while " + phase, e));
    } catch (RuntimeException | Error e) {
      fail(e);
    }
  }

  private void prepareAndServe() throws InterruptedException {
    Topics topics = settings.topics();
    phase("preparing the topics");
    Admin admin = Admin.create(settings.client());
    try {
      new TopicProvisioner(admin, (short) settings.kafka().replicationFactor())
          .ensure(topics.all(), settings.kafka().createTopics(), settings.kafka().startPatience());
      phase("registering the schemas");
      SchemaRegistryClient registry =
          SchemaRegistries.connect(settings.registry().url(), settings.registry().properties());
      new SchemaRegistrar(registry, topics).register(settings.registry().startPatience());
      RoleService ready = open(new Cluster(admin, topics, registry));
      ready.takeOver(admin);
      serve(ready);
    } finally {
      admin.close(Duration.ofSeconds(1)); // without a limit it waits for a cluster that is down
    }
  }

  private void serve(RoleService ready) {
    synchronized (this) {
      service = ready;
      if (closing) {
        ready.close();
        throw new IllegalStateException("closed while " + phase);
      }
    }
    ready.start(
        () -> {
          phase("running");
          running.complete(null);
        },
        this::fail);
  }

  private void fail(Throwable failure) {
    Throwable reason =
        FatalErrors.in(failure, FatalErrors.MEMORY_ATTEMPTS)
            .<Throwable>map(fatal -> fatal)
            .orElseGet(() -> ofABean(failure));
    synchronized (this) {
      if (!closing && !ended.isDone()) { // what follows from a failure is not the reason
        if (isSentence(reason)) {
          LOG.error("The {} role failed while {}: {}", name, phase, reason.getMessage());
          LOG.debug("It failed here", reason);
        } else {
          LOG.error("The {} role failed while {}", name, phase, reason);
        }
        phase = "failed: " + NativeCode.problem(reason).orElseGet(reason::getMessage);
      }
    }
    running.completeExceptionally(reason);
    ended.completeExceptionally(reason);
  }

  /** What our own code refuses is said in a sentence; where in the code is nobody's question. */
  private static boolean isSentence(Throwable reason) {
    StackTraceElement[] trace = reason.getStackTrace();
    return reason.getMessage() != null
        && reason.getCause() == null
        && trace.length > 0
        && trace[0].getClassName().startsWith("io.hyperstream.");
  }

  /** Where making a bean failed, why: what the container says around it is for its developers. */
  private static Throwable ofABean(Throwable failure) {
    Throwable reason = failure;
    while (reason instanceof BeanContextException && reason.getCause() != null) {
      reason = reason.getCause();
    }
    return reason;
  }

  /** What keeps it from its work now, by part; empty when all is well. */
  public final Map<String, String> problems() {
    RoleService current = service;
    return current == null ? Map.of("start", phase) : current.problems();
  }

  /** What readiness shows although the role does its work, by part; empty when there is nothing. */
  public final Map<String, Object> notices() {
    RoleService current = service;
    return current == null ? Map.of() : current.notices();
  }

  /** What only a new start of the process can fix; empty when there is no such thing. */
  public final Optional<String> fatal() {
    return running.isCompletedExceptionally() || ended.isCompletedExceptionally()
        ? Optional.of(phase)
        : Optional.ofNullable(service).flatMap(RoleService::fatal);
  }

  /** What it is doing, in a few words. */
  public final String phase() {
    return phase;
  }

  protected final synchronized void phase(String now) {
    if (!closing) {
      phase = now;
    }
  }

  /**
   * Finishes what was polled, commits it, leaves the group. Takes at most the configured shutdown
   * timeout and a few seconds. A second call waits for nothing.
   */
  @Override
  @PreDestroy
  public final void close() {
    RoleService current;
    synchronized (this) {
      if (closing) {
        return;
      }
      closing = true;
      phase = "closing";
      current = service;
    }
    starter.interrupt();
    long start = System.nanoTime();
    if (current != null) {
      current.close();
    }
    running.completeExceptionally(new IllegalStateException("closed"));
    ended.complete(null);
    LOG.info(
        "The {} role closed in {} ms",
        name,
        Duration.ofNanos(System.nanoTime() - start).toMillis());
  }
}
