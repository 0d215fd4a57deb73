package io.hyperstream.app.streams;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Why a text is not the one JSON value it should be, as people read it. Any thread. */
public final class JsonSentences {
  private static final Pattern TWICE = Pattern.compile("Duplicate [\\w ]+['\"](.*)['\"]");

  private JsonSentences() {}

  /** What a value is, in words: a number, a list. */
  public static String kindOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT, POJO -> "an object";
      case ARRAY -> "a list";
      case STRING, BINARY -> "a text";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case NULL -> "null";
      case MISSING -> "nothing";
    };
  }

  /**
   * The reason, without a place.
   *
   * @param failure of reading the text; what a value was expected to be is not said here
   */
  public static String of(JsonProcessingException failure) {
    String message = String.valueOf(failure.getOriginalMessage());
    Matcher twice = TWICE.matcher(message);
    if (twice.lookingAt()) {
      return "the field '" + twice.group(1) + "' is there twice";
    }
    if (message.startsWith("Invalid UTF-8")) {
      return "it is not UTF-8";
    }
    if (failure instanceof MismatchedInputException) {
      return "something follows the first value";
    }
    if (failure instanceof JsonEOFException) {
      return "it is not JSON: it ends too early";
    }
    return (failure instanceof JsonParseException ? "it is not JSON: " : "")
        + Sentences.of(message);
  }
}
