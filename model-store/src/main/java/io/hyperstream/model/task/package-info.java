/**
 * What a task is apart from any weights: its definition, templates and labels, the tokenizer that
 * turns its texts into ids, and the label trie its scores are computed on. No tensors, no files but
 * {@code spiece.model}, nothing about checkpoints or Kafka.
 */
package io.hyperstream.model.task;
