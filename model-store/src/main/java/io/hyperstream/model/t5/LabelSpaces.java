package io.hyperstream.model.t5;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Label tries of the tasks seen lately. Any thread. */
final class LabelSpaces {
  /** Trie nodes kept, about 100 bytes each. */
  private static final long MAX_NODES = 500_000;

  private final Tokenizer tokenizer;
  private final int startId;
  private final Map<List<Label>, LabelSpace> spaces = new LinkedHashMap<>(64, 0.75f, true);
  private long nodes;

  LabelSpaces(Tokenizer tokenizer, int startId) {
    this.tokenizer = tokenizer;
    this.startId = startId;
  }

  /**
   * The labels of a classification task.
   *
   * @throws IllegalArgumentException if this model cannot tell them apart or say them
   */
  LabelSpace of(TaskDefinition task) {
    synchronized (spaces) {
      LabelSpace known = spaces.get(task.labels());
      if (known != null) {
        return known;
      }
    }
    LabelSpace made = LabelSpace.of(task.labels(), tokenizer, startId);
    synchronized (spaces) {
      LabelSpace first = spaces.putIfAbsent(task.labels(), made);
      if (first != null) {
        return first;
      }
      nodes += made.nodes();
      var eldest = spaces.entrySet().iterator();
      while (nodes > MAX_NODES && spaces.size() > 1) {
        nodes -= eldest.next().getValue().nodes();
        eldest.remove();
      }
      return made;
    }
  }
}
