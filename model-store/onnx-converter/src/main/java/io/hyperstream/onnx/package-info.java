/**
 * From an ONNX export of a BERT encoder to the weights as Hugging Face names and lays them out:
 * read the graph ({@link io.hyperstream.onnx.OnnxReader}), give the matrices their names back
 * ({@link io.hyperstream.onnx.BertWeights}), write safetensors ({@link
 * io.hyperstream.onnx.SafetensorsFile}). Runs in the build, as a program; knows no other module and
 * no tensor library, and nothing of it is shipped.
 */
package io.hyperstream.onnx;
