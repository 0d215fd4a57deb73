package io.hyperstream.app.tracing;

import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.TracingSettings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.resources.Resource;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * Starts OpenTelemetry's SDK as its own variables and our properties say, for traces alone: metrics
 * are Prometheus', logs go where they go.
 */
@Factory
final class TracingFactory {
  private static final Logger LOG = LoggerFactory.getLogger(TracingFactory.class);

  /** OpenTelemetry logs through the JDK; the reference keeps what is set on it. */
  private static final java.util.logging.Logger THEIRS =
      java.util.logging.Logger.getLogger("io.opentelemetry");

  private static final int DEFAULT_LINKS = 128;

  /** Whatever is configured; the version is that whose metrics DroppedSpans reads. */
  private static final Map<String, String> TRACES_ONLY =
      Map.of(
          "otel.metrics.exporter", "none",
          "otel.logs.exporter", "none",
          "otel.experimental.sdk.telemetry.version", "legacy");

  private static final Resource VERSION = version();

  /** Closed with the application's context, when the roles have ended. */
  @Singleton
  @Bean(preDestroy = "close")
  Tracing tracing(TracingSettings settings, EngineSettings engine, MeterRegistry meters) {
    DroppedSpans dropped = new DroppedSpans();
    Counter exported = spans("exported", meters);
    Counter failed = spans("failed", meters);
    FunctionCounter.builder("hyperstream.tracing.spans", dropped, DroppedSpans::count)
        .description("Spans, by the outcome")
        .tag("outcome", "dropped")
        .register(meters);
    if (!settings.enabled()) {
      return Tracing.off();
    }
    logThroughSlf4j();
    AtomicBoolean disabled = new AtomicBoolean();
    OpenTelemetrySdk sdk;
    try {
      sdk =
          AutoConfiguredOpenTelemetrySdk.builder()
              .disableShutdownHook() // it would end before the roles do
              .addPropertiesSupplier(() -> defaults(settings, engine))
              .addPropertiesCustomizer(
                  configured -> {
                    disabled.set(configured.getBoolean("otel.sdk.disabled", false));
                    return TRACES_ONLY;
                  })
              .addResourceCustomizer((resource, configured) -> VERSION.merge(resource))
              .addSamplerCustomizer((sampler, configured) -> new LinkedSampler(sampler))
              .addSpanExporterCustomizer(
                  (exporter, configured) ->
                      new WatchedExporter(exporter, exported, failed, dropped))
              .addMeterProviderCustomizer(
                  (provider, configured) -> provider.registerMetricReader(dropped))
              .build()
              .getOpenTelemetrySdk();
    } catch (ConfigurationException e) {
      throw new IllegalArgumentException(
          "hyperstream.tracing is on, and OpenTelemetry cannot be configured: "
              + reason(e)
              + ". Here are http/protobuf and the exporters otlp and none",
          e);
    }
    if (disabled.get()) {
      LOG.info("No traces: OTEL_SDK_DISABLED says so");
      return Tracing.off();
    }
    return Tracing.of(sdk, () -> end(sdk, settings.flushPatience()));
  }

  private static Counter spans(String outcome, MeterRegistry meters) {
    return Counter.builder("hyperstream.tracing.spans")
        .description("Spans, by the outcome")
        .tag("outcome", outcome)
        .register(meters);
  }

  /** What holds if neither the environment nor our configuration says otherwise. */
  private static Map<String, String> defaults(TracingSettings settings, EngineSettings engine) {
    Map<String, String> defaults = new HashMap<>();
    defaults.put("otel.service.name", "hyperstream");
    defaults.put("otel.exporter.otlp.protocol", "http/protobuf"); // gRPC is not on the class path
    // A batch names all its requests.
    int links = Math.max(DEFAULT_LINKS, engine.maxBatchRows());
    defaults.put("otel.span.link.count.limit", Integer.toString(links));
    defaults.putAll(settings.properties());
    return defaults;
  }

  private static Resource version() {
    String version = TracingFactory.class.getPackage().getImplementationVersion();
    return version == null
        ? Resource.empty()
        : Resource.builder().put("service.version", version).build();
  }

  private static String reason(Throwable e) {
    return e.getCause() == null ? e.getMessage() : e.getMessage() + ": " + reason(e.getCause());
  }

  private static void logThroughSlf4j() {
    synchronized (THEIRS) {
      if (THEIRS.getHandlers().length == 0) {
        THEIRS.addHandler(new SLF4JBridgeHandler());
        THEIRS.setUseParentHandlers(false);
      }
    }
  }

  private static void end(OpenTelemetrySdk sdk, Duration patience) {
    boolean done = sdk.shutdown().join(patience.toMillis(), TimeUnit.MILLISECONDS).isSuccess();
    if (!done) {
      LOG.warn("Not all spans were sent within {} (hyperstream.tracing.flush-patience)", patience);
    }
  }
}
