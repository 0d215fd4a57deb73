/**
 * How a model lies on disk: safetensors files, the Hugging Face folder layout, the manifest with
 * its checksums and fingerprints, and the cards of source tasks. Reads and describes files; knows
 * nothing of stores, networks or what the tensors mean.
 */
package io.hyperstream.model.checkpoint;
