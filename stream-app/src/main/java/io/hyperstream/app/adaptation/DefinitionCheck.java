package io.hyperstream.app.adaptation;

import java.time.Duration;

/**
 * Tells a definition that is on its way to its owner from one that does not exist. Labels and
 * definitions come over different partitions, and after a start or a rebalance the one may be far
 * behind the other.
 */
@FunctionalInterface
interface DefinitionCheck {
  /**
   * No answer needs to be younger than this, so nothing is asked about that has not waited so long.
   */
  Duration FRESH = Duration.ofSeconds(1);

  /** What can be told now. */
  enum Answer {
    /** The topic has a definition that owners will come to. */
    COMING,
    /** At some moment of the last {@link #FRESH} the topic had none. */
    NONE,
    /** Ask again soon. */
    NOT_YET
  }

  /**
   * What the topic of definitions says; returns at once.
   *
   * @param label that the definition has to have; null if any definition will do
   */
  Answer look(String taskId, String label);
}
