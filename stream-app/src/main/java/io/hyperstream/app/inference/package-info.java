/**
 * Reads requests, writes predictions. Contains the topology, the prefetch that computes ahead of
 * it, the engine that forms batches, and the catalog of what is served. Models come in through
 * {@code Predictor} only, records through the codec of the schemas; HTTP, the command line and
 * adaptation stay out.
 *
 * <p>Memory beside the model and the catalog is bounded, whatever the backlog. Per stream thread:
 * what a poll may hold ({@code max.poll.records} times the request limit, and never more than 16
 * MiB fetched per broker), the prefetch window (see {@code PrefetchWindow}: with the defaults at
 * most 8 MiB of requests, about 30 MiB in all), the producer's 32 MiB. So two threads take at most
 * some 200 MiB when every request is as large as it may be, and a few MiB with texts of a page.
 */
package io.hyperstream.app.inference;
