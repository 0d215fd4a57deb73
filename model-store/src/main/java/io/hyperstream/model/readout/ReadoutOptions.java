package io.hyperstream.model.readout;

/**
 * Limits of what goes in and comes out.
 *
 * @param maxSourceTokens longest sequence, special tokens included
 * @param maxTargetTokens longest text that is written
 * @param beams 1 writes greedily
 * @param trieBeams label prefixes kept per level for tasks that chose {@code TRIE_BEAM}
 * @param maxLogitsBytes memory for vocabulary scores at a time
 */
public record ReadoutOptions(
    int maxSourceTokens, int maxTargetTokens, int beams, int trieBeams, long maxLogitsBytes) {}
