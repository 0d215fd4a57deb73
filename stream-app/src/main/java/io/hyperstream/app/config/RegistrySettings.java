package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.convert.format.MapFormat;
import io.micronaut.core.naming.conventions.StringConvention;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.Map;

/**
 * {@code hyperstream.registry}: the schema registry.
 *
 * @param url one address or several with commas
 * @param startPatience how long the start waits for the registry
 * @param properties handed to the registry client as they are (authentication and the like)
 */
@ConfigurationProperties("hyperstream.registry")
public record RegistrySettings(
    @NotBlank String url,
    @NotNull Duration startPatience,
    @MapFormat(transformation = MapFormat.MapTransformation.FLAT, keyFormat = StringConvention.RAW)
        Map<String, String> properties) {

  public RegistrySettings {
    properties = properties == null ? Map.of() : Map.copyOf(properties);
  }

  /** Without the properties' values: there are secrets among them. */
  @Override
  public String toString() {
    return "RegistrySettings[url=" + url + ", properties=" + properties.keySet() + "]";
  }
}
