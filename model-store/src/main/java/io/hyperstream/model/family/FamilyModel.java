package io.hyperstream.model.family;

import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.prototype.HeadForm;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.TextReadout;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.Optional;

/** A loaded model of some family; closing it frees all of it. */
public interface FamilyModel extends AutoCloseable {
  Tokenizer tokenizer();

  Backbone backbone();

  /** How texts become token sequences, and states a row's vector. */
  RowEncoder rows();

  /**
   * Whether the backbone answers tasks that nobody has seen without any adapters. A decoder that
   * was trained with adapters says nothing without them.
   */
  boolean answersBare();

  /** How label vectors are fitted over rows' features. */
  HeadForm heads();

  /** What words a text has. */
  LexicalFeatures lexical();

  /** A readout of labels, for one thread; to be closed by the caller, before the model. */
  LabelReadout labels();

  /** A readout of text, for one thread; empty if this family cannot write. */
  Optional<TextReadout> text();

  @Override
  void close();
}
