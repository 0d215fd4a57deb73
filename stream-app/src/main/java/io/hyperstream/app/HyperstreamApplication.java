package io.hyperstream.app;

import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.config.SettingNames;
import io.hyperstream.app.http.access.AccessPolicy;
import io.hyperstream.app.http.events.EventStreams;
import io.hyperstream.app.http.topics.TopicView;
import io.hyperstream.app.streams.NativeCode;
import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.model.inference.Predictor;
import io.micronaut.context.ApplicationContext;
import io.micronaut.context.ApplicationContextBuilder;
import io.micronaut.runtime.server.EmbeddedServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running application: configuration, HTTP server, its roles. What is embedded is started
 * before it and stopped after it, see {@link #closeOnExit}. Any thread may call any method.
 */
public final class HyperstreamApplication implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HyperstreamApplication.class);

  private final ApplicationContext context;
  private final EmbeddedServer server;
  private final List<RoleRuntime> roles;
  private final AccessPolicy access;
  private boolean closed; // guarded by this

  private HyperstreamApplication(ApplicationContext context) {
    this.context = context;
    SettingNames.check(context.getEnvironment());
    server = context.getBean(EmbeddedServer.class);
    context.getBean(RoleSettings.class); // refuses what is no role
    access = context.getBean(AccessPolicy.class);
    access.requireSafe();
    roles = List.copyOf(context.getBeansOfType(RoleRuntime.class));
  }

  /**
   * Starts with the configured model. Returns when HTTP answers, before requests are served.
   *
   * @param properties {@code hyperstream.*} and others; they win over {@code application.yml} and
   *     the environment
   * @throws RuntimeException if the configuration is invalid or the HTTP port is taken
   */
  public static HyperstreamApplication start(Map<String, Object> properties) {
    return start(ApplicationContext.builder().properties(properties));
  }

  /** The same with a predictor made elsewhere; it is not closed with the application. */
  public static HyperstreamApplication start(Map<String, Object> properties, Predictor predictor) {
    return start(ApplicationContext.builder().properties(properties).singletons(predictor));
  }

  private static HyperstreamApplication start(ApplicationContextBuilder builder) {
    NativeCode.load();
    ApplicationContext context = builder.banner(false).start();
    try {
      HyperstreamApplication application = new HyperstreamApplication(context);
      application.server.start();
      application.roles.forEach(RoleRuntime::start);
      if (application.access.isOffered()) {
        context.getBean(TopicView.class).start();
      }
      LOG.info(
          "{} at {}",
          application.access.isOffered()
              ? "The dashboard, the API (/api/docs), health and metrics are"
              : "Health and metrics are",
          application.server.getURL());
      return application;
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
  }

  /** For beans of the running application. */
  public ApplicationContext context() {
    return context;
  }

  /** The HTTP port. */
  public int port() {
    return server.getPort();
  }

  /** What all paths begin with, such as "/hs"; empty unless configured. */
  public String contextPath() {
    String path = server.getContextURI().getPath();
    return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }

  /** Whether there are a dashboard and an API at that port, beside health and metrics. */
  public boolean offersApi() {
    return access.isOffered();
  }

  /**
   * Waits until every role does its work.
   *
   * @throws IllegalStateException with the reason as its cause if one never will
   * @throws TimeoutException if that takes longer
   */
  public void awaitRunning(Duration patience) throws InterruptedException, TimeoutException {
    CompletableFuture<Void> all = allOf(RoleRuntime::running);
    try {
      all.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new TimeoutException("not serving after " + patience.toSeconds() + " s; " + phases());
    }
  }

  private String phases() {
    return roles.stream()
        .map(role -> role.name() + " is still " + role.phase())
        .collect(Collectors.joining(", "));
  }

  /** Of every role; exceptionally as soon as one is, for the others may then never complete. */
  private CompletableFuture<Void> allOf(Function<RoleRuntime, CompletableFuture<Void>> ofRole) {
    List<CompletableFuture<Void>> each = roles.stream().map(ofRole).toList();
    CompletableFuture<Void> all =
        CompletableFuture.allOf(each.toArray(CompletableFuture<?>[]::new));
    for (CompletableFuture<Void> one : each) {
      var unused =
          one.whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  all.completeExceptionally(failure);
                }
              });
    }
    return all;
  }

  /** Completes when it is closed; exceptionally as soon as a role ended by itself. */
  public CompletableFuture<Void> ended() {
    return allOf(RoleRuntime::ended);
  }

  /**
   * Closes this when the JVM is asked to end (SIGTERM, Ctrl-C), then the others in their order.
   *
   * @param afterwards what it depends on, for example an embedded cluster
   */
  public void closeOnExit(AutoCloseable... afterwards) {
    Runnable closing =
        () -> {
          close();
          for (AutoCloseable resource : afterwards) {
            try {
              resource.close();
            } catch (Exception e) {
              LOG.warn("{} did not close", resource, e);
            }
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(closing, "hyperstream-exit"));
  }

  /** Finishes and commits what was polled, then ends everything. A second call does nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      context.getBean(EventStreams.class).close(); // whoever watches is told first
      closeRoles();
      context.close();
    }
  }

  /** Side by side, so that a shutdown takes as long as the slowest. */
  private void closeRoles() {
    CompletableFuture<?>[] closing =
        roles.stream()
            .map(role -> CompletableFuture.runAsync(role::close, HyperstreamApplication::thread))
            .toArray(CompletableFuture<?>[]::new);
    CompletableFuture.allOf(closing).join();
  }

  private static void thread(Runnable task) {
    new Thread(task, "hyperstream-close").start();
  }
}
