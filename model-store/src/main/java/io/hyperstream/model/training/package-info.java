/**
 * Training: gradients through generated adapters into hypernetworks, task embeddings, norms or the
 * whole backbone; the optimiser, schedules, samplers and losses of the paper (sections 3 and 4);
 * the multi-task trainer and the few-shot trainer. Knows models, tasks and files, but no Kafka and
 * no serving; nothing it changes is ever served directly, only what it writes.
 */
package io.hyperstream.model.training;
