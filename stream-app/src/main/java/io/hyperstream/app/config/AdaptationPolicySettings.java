package io.hyperstream.app.config;

import io.hyperstream.schemas.AdaptationMethod;
import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;

/**
 * {@code hyperstream.adaptation-policy}: when and how far a task adapts itself, unless its
 * definition says otherwise.
 *
 * @param enabled whether new examples may start an adaptation
 * @param triggerExamples how many new examples do
 * @param maxExamplesPerLabel kept; older ones are evicted at random
 * @param heldOutFraction share of the examples kept to judge new versions
 * @param promotionProbability a new version needs to be better with
 * @param method what new versions are made of
 * @param tuneWeights whether {@code AUTO} may tune the adapter weights themselves
 * @param minInterval between the starts of two adaptations of a task
 */
@ConfigurationProperties("hyperstream.adaptation-policy")
public record AdaptationPolicySettings(
    boolean enabled,
    @Min(1) @Max(1_000_000) int triggerExamples,
    @Min(1) @Max(100_000) int maxExamplesPerLabel,
    @DecimalMin("0") @DecimalMax("0.5") double heldOutFraction,
    @DecimalMin("0.5") @DecimalMax("1") double promotionProbability,
    @NotNull AdaptationMethod method,
    boolean tuneWeights,
    @NotNull Duration minInterval) {}
