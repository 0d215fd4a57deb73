package io.hyperstream.model.inference;

import io.hyperstream.model.task.TaskKind;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The answer for one row.
 *
 * @param label the best label's name, for CLASSIFICATION
 * @param value the number, for REGRESSION
 * @param text the decoded text, for GENERATION and REGRESSION
 * @param score probability of the label, or of the decoded text
 * @param distribution probabilities in the order of the task's labels, summing to 1; empty
 *     otherwise
 * @param adapterVersion which version answered
 * @param taught whether that version learnt from labelled examples
 * @param truncated whether the input was cut
 * @param approximate whether an approximate score was used (opt-in)
 */
public record TaskPrediction(
    TaskKind kind,
    Optional<String> label,
    OptionalDouble value,
    Optional<String> text,
    float score,
    float[] distribution,
    long adapterVersion,
    boolean taught,
    boolean truncated,
    boolean approximate)
    implements RowResult {}
