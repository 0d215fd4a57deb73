/**
 * HyperFormer: hypernetworks that turn task embeddings into adapter weights, plain adapters, and
 * applying them to a batch of many tasks. Knows the backbone's shapes and its adapter hook, but
 * neither texts nor labels nor where versions come from. L layers of a stack, r bottleneck width, d
 * model width, t width of a task embedding, K tasks.
 */
package io.hyperstream.model.hyper;
