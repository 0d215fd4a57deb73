/**
 * Where models are kept: a versioned, checksummed store, and the ways into it (a folder, a model
 * hub, the starter model that ships with the code). Moves and checks files; never looks inside
 * tensors and never runs a model.
 */
package io.hyperstream.model.store;
