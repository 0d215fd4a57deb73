/**
 * T5 as published: encoder, decoder, relative position bias, key/value cache, greedy and beam
 * search. Reads top to bottom in the order data flows, with shapes as comments: B batch, S source
 * length, N target positions, H heads, k width of a head, d model width. What sits behind a
 * sub-layer (adapters) comes in through {@link io.hyperstream.model.backbone.AdapterHook}; tokens,
 * labels and tasks are not known here.
 */
package io.hyperstream.model.t5;
