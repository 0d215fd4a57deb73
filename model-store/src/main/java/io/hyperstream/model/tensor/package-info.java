/**
 * The one thin layer over DJL: linear maps, norms, activations, scalars and scopes, each with a
 * recording (graph) and a non-recording (in place) path. Nothing here knows what a T5 or an adapter
 * is; nothing outside this room calls DJL's native functions.
 */
package io.hyperstream.model.tensor;
