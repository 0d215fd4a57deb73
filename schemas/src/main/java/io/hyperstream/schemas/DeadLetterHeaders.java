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

  /** W3C trace context, passed on from the request unchanged. */
  public static final String TRACEPARENT = "traceparent";

  private DeadLetterHeaders() {}
}
