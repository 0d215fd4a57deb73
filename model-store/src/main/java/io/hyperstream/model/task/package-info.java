/**
 * What a task is apart from any weights: its definition, templates, labels and metrics. No tensors,
 * no files, nothing about checkpoints or Kafka.
 */
package io.hyperstream.model.task;
