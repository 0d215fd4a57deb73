package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;

/**
 * {@code hyperstream.engine}: how batches form and how far ahead is computed.
 *
 * @param maxBatchRows rows in a batch
 * @param maxBatchTokens rows times the longest row's tokens
 * @param maxLinger how long the oldest row waits for company
 * @param windowRows requests per stream thread in the engine
 * @param windowBytes their values' bytes
 * @param windowRowsPerPartition what each partition may have there in any case
 * @param joinDeadline how long a record waits for its answer before its thread starts over
 * @param preparationThreads that decode and tokenise
 */
@ConfigurationProperties("hyperstream.engine")
public record EngineSettings(
    @Min(1) @Max(4096) int maxBatchRows,
    @Min(1) int maxBatchTokens,
    @NotNull Duration maxLinger,
    @Min(1) @Max(100_000) int windowRows,
    @Min(1024) long windowBytes,
    @Min(1) @Max(1024) int windowRowsPerPartition,
    @NotNull Duration joinDeadline,
    @Min(1) @Max(64) int preparationThreads) {}
