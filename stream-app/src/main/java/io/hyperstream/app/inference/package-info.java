/**
 * Requests in, predictions out. Here is everything between the two topics: the topology, the
 * prefetch that computes ahead of it, the engine that forms batches, and the catalog of what is
 * served. Models come in through {@code Predictor} only, records through the codec of the schemas;
 * HTTP, the command line and adaptation stay out.
 */
package io.hyperstream.app.inference;
