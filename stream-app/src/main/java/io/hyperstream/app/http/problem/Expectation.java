package io.hyperstream.app.http.problem;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.hyperstream.app.streams.Sentences;
import java.io.IOException;
import java.util.Collection;

/** Values of another type than expected, in words of JSON. Any thread. */
public final class Expectation {
  private static final int LONGEST = 60;

  private Expectation() {}

  /** What was expected, and what came. */
  public static String sentence(Class<?> expected, String came) {
    return "expected " + name(expected) + ", got " + came;
  }

  private static String name(Class<?> type) {
    if (type == String.class) {
      return "a text";
    } else if (type == Boolean.class || type == boolean.class) {
      return "true or false";
    } else if (type == Double.class || type == double.class) {
      return "a number";
    } else if (Number.class.isAssignableFrom(type) || type.isPrimitive()) {
      return "a whole number";
    } else if (type.isEnum()) {
      return Sentences.oneOf(type);
    }
    return Collection.class.isAssignableFrom(type) ? "a list" : "an object";
  }

  /** The value at which a parser stands. */
  public static String came(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null) {
      return "nothing";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> text(parser.getText());
      default -> shortened(parser.getText());
    };
  }

  static String text(String value) {
    return "the text '" + shortened(value) + "'";
  }

  private static String shortened(String value) {
    return value.length() > LONGEST ? value.substring(0, LONGEST) + "..." : value;
  }
}
