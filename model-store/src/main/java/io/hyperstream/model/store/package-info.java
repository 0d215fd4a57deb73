/**
 * Where models are kept: a versioned, checksummed store, and the ways into it (a folder, a model
 * hub, the models that ship with the code). Moves and checks files; never looks inside tensors and
 * never runs a model.
 */
package io.hyperstream.model.store;
