package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.time.Duration;

/**
 * {@code hyperstream.adaptation}: how tasks learn from labelled examples.
 *
 * @param applicationId consumer group and prefix of the transactional ids and internal topics
 * @param threads stream threads of this process
 * @param trainerThreads of training's arithmetic
 * @param commitInterval between commits
 * @param partitions of the internal topics; fixed once they exist
 * @param labelsByRequest whether labels may name an earlier request instead of a text
 * @param labelGrace how long a label or command waits for the definition of its task
 * @param requestPatience how long a label waits for the request it names
 * @param maxWaiting labels and commands that wait, per partition
 * @param maxRequests requests remembered per partition
 * @param maxRequestBytes of the remembered requests per partition
 * @param maxTaskBytes of one task's examples
 * @param maxInlineWeightsBytes of adapter weights inside a version's record; larger ones lie in the
 *     model store
 * @param collectWeightsAfter the start weights that no version needs are removed from there
 * @param collectWeightsEvery so often again
 */
@ConfigurationProperties("hyperstream.adaptation")
public record AdaptationSettings(
    @NotBlank @Pattern(regexp = "[A-Za-z0-9._-]{1,200}") String applicationId,
    @Min(1) @Max(256) int threads,
    @Min(1) @Max(1024) int trainerThreads,
    @NotNull Duration commitInterval,
    @Min(1) @Max(10_000) int partitions,
    boolean labelsByRequest,
    @NotNull Duration labelGrace,
    @NotNull Duration requestPatience,
    @Min(1) int maxWaiting,
    @Min(1) int maxRequests,
    @Min(1024) long maxRequestBytes,
    @Min(1024) long maxTaskBytes,
    @Min(0) @Max(2 * 1024 * 1024) int maxInlineWeightsBytes,
    @NotNull Duration collectWeightsAfter,
    @NotNull Duration collectWeightsEvery) {}
