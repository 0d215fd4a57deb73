/**
 * What every transformer here has in common: a shape, token ids in, states out, and two places per
 * layer where adapters go; and how a batch's tokens are laid out for the kernels ({@code
 * PackedEncoder}). Nothing of a single architecture, of labels or of tasks. Shapes in comments: B
 * sequences, S tokens, d width of the model.
 */
package io.hyperstream.model.backbone;
