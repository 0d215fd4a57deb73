package io.hyperstream.app.streams;

import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.task.NearNames;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Why a record is in the dead letters. All of them are permanent: sending the same bytes again
 * would fail again. A registry outage or a device error is none of these; it is retried.
 */
public enum ErrorCode {
  UNDECODABLE("The record's value is not a record of its topic's schema."),
  REQUEST_TOO_LARGE("The record is larger than the configured limit."),
  INVALID_REQUEST("A field of the request is missing or outside its limits."),
  UNKNOWN_TASK("No task of that name is defined."),
  INVALID_TASK("The task is defined, but its definition cannot be served."),
  EMPTY_TEXT("The text is empty or white space only."),
  TEXT_TOO_LONG("The text exceeds a limit and the task rejects such texts."),
  MISSING_TEXT_PAIR("The task needs a pair of texts and the second is missing."),
  PREDICTION_TOO_LARGE("The prediction does not fit into a record of the output topic."),
  MODEL_ERROR("The model fails on this text, and only on this one."),
  INVALID_LABEL("A field of the labelled event is missing or outside its limits."),
  UNKNOWN_LABEL("The task has no label of that name."),
  UNMATCHED_LABEL("The labelled event names a request that is not known."),
  INVALID_COMMAND("A field of the command is missing or outside its limits.");

  private final String sentence;

  ErrorCode(String sentence) {
    this.sentence = sentence;
  }

  /** What the code means, for people. */
  public String sentence() {
    return sentence;
  }

  /**
   * The code of this name, in any case.
   *
   * @throws IllegalArgumentException if there is none, with those that are near
   */
  public static ErrorCode named(String name) {
    List<String> known = Arrays.stream(values()).map(Enum::name).toList();
    String code = name.toUpperCase(Locale.ROOT);
    if (!known.contains(code)) {
      throw new IllegalArgumentException(
          "there is no code '"
              + name
              + "'"
              + NearNames.hint(name, known, "; there are " + String.join(", ", known)));
    }
    return valueOf(code);
  }

  public static ErrorCode of(InferenceException.Code code) {
    return valueOf(code.name());
  }
}
