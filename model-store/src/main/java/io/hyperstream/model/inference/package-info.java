/**
 * Answers batches: texts of any mix of tasks in, predictions out. Puts tokenizer, label tries,
 * adapters and the T5 together; decides what is computed in one pass and what is kept between
 * batches. No Kafka, no threads of its own, no training.
 */
package io.hyperstream.model.inference;
