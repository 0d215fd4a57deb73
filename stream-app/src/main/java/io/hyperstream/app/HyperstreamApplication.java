package io.hyperstream.app;

import io.hyperstream.app.inference.InferenceRuntime;
import io.hyperstream.model.inference.Predictor;
import io.micronaut.context.ApplicationContext;
import io.micronaut.context.ApplicationContextBuilder;
import io.micronaut.runtime.server.EmbeddedServer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running application: configuration, HTTP server, inference. What is embedded is started
 * before it and stopped after it, see {@link #closeOnExit}. Any thread may call any method.
 */
public final class HyperstreamApplication implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HyperstreamApplication.class);

  private final ApplicationContext context;
  private final EmbeddedServer server;
  private final InferenceRuntime inference;
  private boolean closed; // guarded by this

  private HyperstreamApplication(ApplicationContext context) {
    this.context = context;
    server = context.getBean(EmbeddedServer.class);
    inference = context.getBean(InferenceRuntime.class);
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
    ApplicationContext context = builder.banner(false).start();
    try {
      HyperstreamApplication application = new HyperstreamApplication(context);
      application.server.start();
      application.inference.start();
      LOG.info("Health and metrics are at {}", application.server.getURL());
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

  /**
   * Waits until requests are served.
   *
   * @throws IllegalStateException with the reason as its cause if they never will be
   * @throws TimeoutException if that takes longer
   */
  public void awaitRunning(Duration patience) throws InterruptedException, TimeoutException {
    try {
      inference.running().get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new TimeoutException(
          "not serving after " + patience.toSeconds() + " s; it is still " + inference.phase());
    }
  }

  /** Completes when it is closed; exceptionally when it ended by itself. */
  public CompletableFuture<Void> ended() {
    return inference.ended();
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
      inference.close();
      context.close();
    }
  }
}
