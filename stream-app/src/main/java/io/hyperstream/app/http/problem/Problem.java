package io.hyperstream.app.http.problem;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import java.util.List;

/**
 * What went wrong (RFC 9457).
 *
 * @param type {@code about:blank}: the status says it all
 * @param title the status in words
 * @param status the HTTP status
 * @param detail a sentence to act on
 * @param instance the path that was called
 * @param errors fields that were wrong, if any
 */
@Serdeable
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
    String type,
    String title,
    int status,
    String detail,
    String instance,
    @Nullable List<FieldError> errors) {

  /** The media type. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /**
   * A field that was wrong.
   *
   * @param field its path in the body, or the parameter's name
   * @param message what was expected
   */
  @Serdeable
  public record FieldError(String field, String message) {}
}
