package io.hyperstream.model.task;

/** How the labels of a classification task are scored. */
public enum LabelScoring {
  /**
   * Sum of log-probabilities of every label's tokens and the end token, full-vocabulary softmax.
   */
  EXACT,
  /**
   * Beam search over the label trie: for large label sets; flagged on the prediction as
   * approximate.
   */
  TRIE_BEAM
}
