package io.hyperstream.app.streams;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Messages of failures as people read them: without names of classes, ours or a library's. Every
 * message that leaves the program goes through here; logs keep what was thrown. Any thread.
 */
public final class Sentences {
  private static final Pattern PACKAGE =
      Pattern.compile(
          "(?<![\\w./'\"-])(?:class )?(?:java|javax|jdk|sun|com\\.sun|io\\.hyperstream|io\\.micronaut"
              + "|io\\.netty|io\\.confluent|io\\.apicurio|org\\.apache|org\\.yaml|org\\.snakeyaml"
              + "|com\\.fasterxml|ai\\.djl|picocli|software\\.amazon)(?:\\.[a-z]\\w*)*\\."
              + "([A-Z]\\w*)(?:\\$([A-Z]\\w*))?");

  /** Not within quotes: there it is a person's own word, such as a label. */
  private static final Pattern FAILURE =
      Pattern.compile("(?<![\\w./'\"`$-])([A-Z]\\w*?)(?:Exception|Error)(?![\\w./'\"`-])(: )?");

  private static final Pattern WORD =
      Pattern.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])");

  /** Jackson's words about itself. */
  private static final Pattern PARSER =
      Pattern.compile(
          " ?\\((?:start marker )?at \\[Source: [^\\]]*\\]\\)|, from `\\w+\\.\\w+\\(\\)`"
              + "|\\s* at \\[Source: [^\\]]*\\]");

  /** Names that say nothing which the message behind them does not say. */
  private static final Set<String> EMPTY =
      Set.of(
          "IO",
          "UncheckedIO",
          "Runtime",
          "IllegalState",
          "IllegalArgument",
          "Execution",
          "Completion",
          "Kafka",
          "Streams",
          "Serialization",
          "Config",
          "RestClient",
          "Connect");

  private Sentences() {}

  /** A failure's message, or what its kind says where it has none. */
  public static String of(Throwable failure) {
    return of(failure.getMessage() == null ? failure.getClass().getName() : failure.getMessage());
  }

  /** The message without names of classes. */
  public static String of(String message) {
    String plain = PARSER.matcher(message).replaceAll("");
    plain =
        PACKAGE
            .matcher(plain)
            .replaceAll(found -> found.group(2) == null ? found.group(1) : found.group(2));
    return FAILURE.matcher(plain).replaceAll(Sentences::words).strip();
  }

  /** "12 examples of 2 labels are", to be continued. */
  public static String examples(Map<String, Integer> byLabel) {
    int examples = byLabel.values().stream().mapToInt(Integer::intValue).sum();
    return (examples == 1 ? "1 example of " : examples + " examples of ")
        + (byLabel.size() == 1 ? "1 label " : byLabel.size() + " labels ")
        + (examples == 1 ? "is" : "are");
  }

  /**
   * "A, B or C": the symbols of an enum that may be written, in their order. What a schema has for
   * symbols of later versions, {@code UNKNOWN}, is none.
   */
  public static String oneOf(Class<?> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants())
            .map(value -> ((Enum<?>) value).name())
            .filter(name -> !name.equals("UNKNOWN"))
            .toList();
    int last = names.size() - 1;
    return String.join(", ", names.subList(0, last)) + " or " + names.get(last);
  }

  /** {@code unknown host: } of {@code UnknownHostException: }. */
  private static String words(MatchResult found) {
    boolean leads = found.group(2) != null;
    if (leads && (found.group(1).isEmpty() || EMPTY.contains(found.group(1)))) {
      return "";
    }
    String words = WORD.matcher(found.group(1)).replaceAll(" ").toLowerCase(Locale.ROOT);
    return (words.isEmpty() ? "failure" : words) + (leads ? ": " : "");
  }
}
