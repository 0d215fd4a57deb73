package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.AdapterWeights;

/**
 * A row on its way through a batch.
 *
 * @param index its place in the caller's list
 * @param row what was prepared
 * @param weights its adapters, resident until the batch is done
 */
record TaskRow(int index, PreparedRow row, AdapterWeights weights) {}
