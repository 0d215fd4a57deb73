package io.hyperstream.app.config;

import io.hyperstream.model.store.S3Options;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code hyperstream.model.s3}: how a model store in S3 is reached. What is empty is found where
 * AWS's tools look for it.
 *
 * @param endpoint of a server that is not Amazon's
 * @param region of the bucket
 * @param accessKeyId to sign with
 * @param secretAccessKey to sign with
 * @param sessionToken of temporary keys
 * @param pathStyle {@code true}, {@code false}, or empty: with an endpoint
 * @param cacheDir folder for what was loaded
 * @param cacheMegabytes at most so much of a store is kept there
 * @param attempts at each request
 */
@ConfigurationProperties("hyperstream.model.s3")
public record S3Settings(
    @NotNull @Bindable(defaultValue = "") String endpoint,
    @NotNull @Bindable(defaultValue = "") String region,
    @NotNull @Bindable(defaultValue = "") String accessKeyId,
    @NotNull @Bindable(defaultValue = "") String secretAccessKey,
    @NotNull @Bindable(defaultValue = "") String sessionToken,
    @NotNull @Bindable(defaultValue = "") String pathStyle,
    @NotBlank String cacheDir,
    @Min(1) @Max(100_000_000) long cacheMegabytes,
    @Min(1) @Max(100) int attempts) {

  /**
   * As the store wants it.
   *
   * @throws IllegalArgumentException if something makes no sense
   */
  public S3Options options() {
    return new S3Options(
        given(endpoint).map(URI::create),
        given(region),
        S3Options.keys(given(accessKeyId), given(secretAccessKey), given(sessionToken)),
        given(pathStyle).map(Boolean::valueOf),
        Path.of(cacheDir),
        cacheMegabytes << 20,
        attempts);
  }

  private static Optional<String> given(String value) {
    return Optional.of(value).filter(text -> !text.isBlank());
  }

  /** Without the secrets. */
  @Override
  public String toString() {
    return "S3Settings[endpoint="
        + endpoint
        + ", region="
        + region
        + ", cacheDir="
        + cacheDir
        + "]";
  }
}
