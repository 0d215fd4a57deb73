package io.hyperstream.schemas;

/**
 * Headers of a dead letter. Its key and value are the request's bytes, its own headers are kept
 * beside these. All values are UTF-8 text, numbers in decimal.
 */
public final class DeadLetterHeaders {
  /** Why, as a code a program can switch on: {@code UNKNOWN_TASK}, {@code EMPTY_TEXT}, ... */
  public static final String ERROR_CODE = "hyperstream.error.code";

  /** Why, as a sentence a person can act on. */
  public static final String ERROR_MESSAGE = "hyperstream.error.message";

  public static final String SOURCE_TOPIC = "hyperstream.source.topic";
  public static final String SOURCE_PARTITION = "hyperstream.source.partition";
  public static final String SOURCE_OFFSET = "hyperstream.source.offset";

  /** The value was too large to be kept: how many bytes it had. */
  public static final String VALUE_OMITTED = "hyperstream.value.omitted.bytes";

  /**
   * On a record that was replayed, and on what happens to it: which dead letter it was, as {@code
   * partition@offset} of the topic of dead letters.
   */
  public static final String REPLAY_OF = "hyperstream.replay.of";

  /** Beside {@link #REPLAY_OF}: how often the record has been replayed. */
  public static final String REPLAY_COUNT = "hyperstream.replay.count";

  /** W3C trace context, passed on from the request unchanged. */
  public static final String TRACEPARENT = "traceparent";

  private DeadLetterHeaders() {}
}
