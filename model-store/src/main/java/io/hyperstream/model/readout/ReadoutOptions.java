package io.hyperstream.model.readout;

import io.hyperstream.model.tensor.Precision;

/**
 * Limits of what goes in and comes out, and how exactly it is computed.
 *
 * @param maxSourceTokens longest sequence, special tokens included
 * @param maxTargetTokens longest text that is written
 * @param beams 1 writes greedily
 * @param trieBeams label prefixes kept per level for tasks that chose {@code TRIE_BEAM}
 * @param maxLogitsBytes memory for vocabulary scores at a time
 * @param precision of products with frozen weights
 */
public record ReadoutOptions(
    int maxSourceTokens,
    int maxTargetTokens,
    int beams,
    int trieBeams,
    long maxLogitsBytes,
    Precision precision) {}
