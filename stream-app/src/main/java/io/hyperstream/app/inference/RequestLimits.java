package io.hyperstream.app.inference;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.schemas.InferenceRequest;
import java.util.Map;
import java.util.Optional;

/**
 * How large a request may be. Immutable.
 *
 * @param recordBytes bytes of the record's value
 * @param textChars characters of text and second text together
 * @param attributes entries of the attributes
 * @param attributeChars characters of all names and values of the attributes
 */
record RequestLimits(int recordBytes, int textChars, int attributes, int attributeChars) {
  private static final int MAX_ID_CHARS = 256;

  /** What is wrong with the request; empty if nothing is. */
  Optional<Outcome.Rejected> violation(InferenceRequest request) {
    String id = request.getRequestId();
    if (id.isBlank() || id.length() > MAX_ID_CHARS) {
      return invalid("requestId is 1 to " + MAX_ID_CHARS + " characters; got " + id.length());
    }
    if (request.getText().isBlank()) {
      return rejected(
          ErrorCode.EMPTY_TEXT, "the text is empty or white space only; send some text");
    }
    String pair = request.getTextPair();
    long chars = (long) request.getText().length() + (pair == null ? 0 : pair.length());
    if (chars > textChars) {
      return rejected(
          ErrorCode.TEXT_TOO_LONG,
          "the text has "
              + chars
              + " characters, the limit (hyperstream.limits.max-text-chars) is "
              + textChars);
    }
    Map<String, String> given = request.getAttributes();
    if (given.size() > attributes) {
      return invalid("at most " + attributes + " attributes; got " + given.size());
    }
    long attributeLength =
        given.entrySet().stream().mapToLong(e -> e.getKey().length() + e.getValue().length()).sum();
    if (attributeLength > attributeChars) {
      return invalid(
          "attributes of at most " + attributeChars + " characters in all; got " + attributeLength);
    }
    return Optional.empty();
  }

  String tooLarge(int bytes) {
    return "the record has "
        + bytes
        + " bytes, the limit (hyperstream.limits.max-request-bytes) is "
        + recordBytes;
  }

  private static Optional<Outcome.Rejected> invalid(String message) {
    return rejected(ErrorCode.INVALID_REQUEST, message);
  }

  private static Optional<Outcome.Rejected> rejected(ErrorCode code, String message) {
    return Optional.of(new Outcome.Rejected(code, message));
  }
}
