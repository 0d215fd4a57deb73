package io.hyperstream.model.t5;

/**
 * A decoded row.
 *
 * @param tokens from the start token to the end token, or to the length limit; no padding
 * @param sumLogProbability of all tokens after the start token
 */
public record Generated(int[] tokens, double sumLogProbability) {}
