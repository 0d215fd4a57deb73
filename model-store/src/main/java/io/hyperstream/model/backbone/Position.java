package io.hyperstream.model.backbone;

/** Where in a block an adapter sits. */
public enum Position {
  FEED_FORWARD(0),
  SELF_ATTENTION(1);

  /** How many there are. */
  public static final int COUNT = 2;

  private final int index;

  Position(int index) {
    this.index = index;
  }

  /** The row of the position embedding, and the place in stacked tensors. */
  public int index() {
    return index;
  }
}
