package io.hyperstream.model.readout;

import java.util.List;

/** How text is written. One thread at a time. */
public interface TextReadout {
  /**
   * What was written for a row.
   *
   * @param logProbability of the text
   */
  record Written(String text, double logProbability) {}

  /** One per row. */
  List<Written> write(ReadoutBatch batch);
}
