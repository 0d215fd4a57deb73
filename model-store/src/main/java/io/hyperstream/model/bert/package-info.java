/**
 * Encoders of the BERT kind: bge, e5, gte, MiniLM, multilingual ones among them. They cannot write;
 * labels are scored by how close a text is to what they mean. Shapes in comments: B sequences, S
 * tokens, H heads, k width of a head, d model width, f feed-forward width.
 */
package io.hyperstream.model.bert;
