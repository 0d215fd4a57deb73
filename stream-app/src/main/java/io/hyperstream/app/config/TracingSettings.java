package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.convert.format.MapFormat;
import io.micronaut.core.naming.conventions.StringConvention;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.Map;

/**
 * {@code hyperstream.tracing}: whether spans are made. Everything else about them is said in
 * OpenTelemetry's own names, in the environment or here.
 *
 * @param enabled whether spans are made and sent
 * @param flushPatience how long closing waits until what is queued is sent
 * @param properties {@code otel.*}, handed to the SDK as they are; its environment variables win
 */
@ConfigurationProperties("hyperstream.tracing")
public record TracingSettings(
    boolean enabled,
    @NotNull Duration flushPatience,
    @MapFormat(transformation = MapFormat.MapTransformation.FLAT, keyFormat = StringConvention.RAW)
        Map<String, String> properties) {

  public TracingSettings {
    properties = properties == null ? Map.of() : Map.copyOf(properties);
  }

  /** Without the properties' values: a collector's key may be among them. */
  @Override
  public String toString() {
    return "TracingSettings[enabled=" + enabled + ", properties=" + properties.keySet() + "]";
  }
}
