/**
 * Label vectors: what few-shot adaptation learns without a gradient, from one example per label on,
 * and how serving mixes it with zero-shot scores. Knows labels and numbers, but neither the network
 * that makes them nor where versions come from. L labels, d model width.
 */
package io.hyperstream.model.prototype;
