package io.hyperstream.model.inference;

/**
 * Counters of a model's resident adapters; the first three only grow.
 *
 * @param hits adapters a batch found resident, counted once per batch
 * @param misses adapters that had to be made
 * @param evictions adapters freed to stay within the budget
 * @param residentTasks adapters resident now
 * @param residentBytes native memory they hold
 * @param budgetBytes what they may hold between batches
 */
public record AdapterBankStats(
    long hits,
    long misses,
    long evictions,
    long residentTasks,
    long residentBytes,
    long budgetBytes) {}
