/**
 * Answers batches: texts of any mix of tasks in, predictions out. Opens a model of any family and
 * puts it together with its adapters; decides what is computed in one pass and what is kept between
 * batches. No Kafka, no threads of its own, no training.
 */
package io.hyperstream.model.inference;
