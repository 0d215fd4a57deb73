package io.hyperstream.app.config;

import io.hyperstream.model.inference.ModelOptions;
import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;

/**
 * {@code hyperstream.model}: what is served and what it may use.
 *
 * @param name {@code name}, {@code name@version} or a modelId in the store; or one that ships with
 *     the application, which is put there
 * @param dir the model store: a folder, or {@code s3://bucket/prefix}
 * @param maxSourceTokens longest input in tokens; 0: the model's own
 * @param adapterMegabytes memory for generated adapters of resident tasks
 * @param threads the model may use; 0: half the processors
 * @param workers parts of a batch that are computed side by side, each by its share of the threads;
 *     0: one per thread
 * @param precision of products with the model's weights: {@code f32}, {@code bf16}, or {@code auto}
 *     for bf16 where the processor has it
 */
@ConfigurationProperties("hyperstream.model")
public record ModelSettings(
    @NotBlank String name,
    @NotBlank String dir,
    @Min(0) @Max(8192) int maxSourceTokens,
    @Min(1) @Max(1_000_000) int adapterMegabytes,
    @Min(0) @Max(1024) int threads,
    @Min(0) @Max(1024) int workers,
    @Pattern(regexp = "f32|bf16|auto", message = "must be f32, bf16 or auto") String precision) {

  /** How the model is opened. */
  public ModelOptions options() {
    ModelOptions options =
        ModelOptions.DEFAULT
            .withIntraOpThreads(threads)
            .withWorkers(workers)
            .withPrecision(precision)
            .withAdapterBudgetBytes(adapterMegabytes * 1024L * 1024);
    return maxSourceTokens > 0 ? options.withMaxSourceTokens(maxSourceTokens) : options;
  }
}
