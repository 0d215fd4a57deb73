package io.hyperstream.app.http;

import io.micronaut.core.annotation.Introspected;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Size;

/**
 * The right answer to a text, or to an earlier request. A bean and no record, because a label that
 * is null (take it back) and one that was left out (a mistake) are not the same.
 */
@Serdeable
@Introspected
@Schema(name = "Example")
public class ExampleInput {
  @Nullable private String text;

  @Nullable
  @Size(min = 1, max = 256)
  private String requestId;

  @Nullable private String textPair;

  @Nullable
  @Size(max = 10_000)
  private String label;

  private boolean labelled;

  @Nullable
  @Size(max = 256)
  private String source;

  /** The text; or a requestId. */
  @Nullable
  public String getText() {
    return text;
  }

  public void setText(@Nullable String text) {
    this.text = text;
  }

  /** The earlier request whose text is meant. */
  @Nullable
  public String getRequestId() {
    return requestId;
  }

  public void setRequestId(@Nullable String requestId) {
    this.requestId = requestId;
  }

  /** The second text of a pair task. */
  @Nullable
  public String getTextPair() {
    return textPair;
  }

  public void setTextPair(@Nullable String textPair) {
    this.textPair = textPair;
  }

  /** The right label (for other kinds of task the right output); null takes it back. */
  @Nullable
  public String getLabel() {
    return label;
  }

  public void setLabel(@Nullable String label) {
    this.label = label;
    labelled = true;
  }

  /** Who says so; left out: the caller. */
  @Nullable
  public String getSource() {
    return source;
  }

  public void setSource(@Nullable String source) {
    this.source = source;
  }

  /** Whether there was a label, be it null. */
  boolean labelled() {
    return labelled;
  }
}
