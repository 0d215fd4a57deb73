/**
 * ONNX Runtime, the program that most people would run a model with, on the ONNX file that the
 * model here was converted from: what {@code hyperstream bench --against onnxruntime} measures
 * against. Found by {@link java.util.ServiceLoader}; nothing depends on it.
 */
package io.hyperstream.bench.onnx;
