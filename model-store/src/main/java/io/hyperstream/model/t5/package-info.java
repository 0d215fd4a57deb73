/**
 * T5 as published: encoder, decoder, relative position bias, key/value cache, greedy and beam
 * search. Reads top to bottom in the order data flows, with shapes as comments: B batch, S source
 * length, N target positions, H heads, k width of a head, d model width. What sits behind a
 * sub-layer (adapters) comes in through {@link io.hyperstream.model.backbone.AdapterHook}; how T5
 * reads off labels and writes text is here too ({@link io.hyperstream.model.t5.T5Family}).
 */
package io.hyperstream.model.t5;
