package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;

/**
 * {@code hyperstream.model}: what is served and what it may use.
 *
 * @param name {@code name}, {@code name@version} or a modelId in the store; or one that ships with
 *     the application, which is put there
 * @param dir the model store: a folder, or {@code s3://bucket/prefix}
 * @param maxSourceTokens longest input in tokens; 0: the model's own
 * @param adapterMegabytes memory for generated adapters of resident tasks
 * @param threads of the device's arithmetic; 0: half the processors
 */
@ConfigurationProperties("hyperstream.model")
public record ModelSettings(
    @NotBlank String name,
    @NotBlank String dir,
    @Min(0) @Max(8192) int maxSourceTokens,
    @Min(1) @Max(1_000_000) int adapterMegabytes,
    @Min(0) @Max(1024) int threads) {}
