/**
 * The one thin layer over DJL: linear maps, norms, activations, scalars and scopes, each with a
 * recording (graph) and a non-recording (in place) path, and the kernels, which run whole layers in
 * one call. Nothing outside this package calls DJL's native functions.
 */
package io.hyperstream.model.tensor;
