/**
 * Text to token ids and back. A {@link io.hyperstream.model.tokenize.Tokenizer} knows which special
 * tokens surround a text; nobody else does. No tensors, no tasks.
 */
package io.hyperstream.model.tokenize;
