package io.hyperstream.model.hyper;

/**
 * One version of one task's adapters, as data: cheap to hold (an embedding is 256 bytes), made into
 * weights by the {@code AdapterBank} when a batch needs it. Immutable; identity is (taskId,
 * version).
 *
 * @param version 0 for the start a model knows, then as published
 */
public record TaskAdapter(String taskId, long version, AdapterForm form) {}
