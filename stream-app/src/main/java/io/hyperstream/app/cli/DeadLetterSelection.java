package io.hyperstream.app.cli;

import io.hyperstream.app.streams.ErrorCode;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Which dead letters a command is about: those that fit everything that was given. */
final class DeadLetterSelection {

  @Option(
      names = "--code",
      paramLabel = "CODE,..",
      split = ",",
      converter = CodeConverter.class,
      description = "Letters with one of these codes, such as UNKNOWN_TASK.")
  private Set<String> codes = Set.of();

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "Letters of this task; letters that cannot be read belong to none.")
  private String task;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = SinceConverter.class,
      description =
          "Written to the dead letters since then, whatever the record's own time: 90m, 12h or 7d"
              + " ago, or a moment such as 2026-01-31T08:00:00Z.")
  private Instant since;

  @Option(
      names = "--letter",
      paramLabel = "PARTITION@OFFSET,..",
      split = ",",
      converter = DeadLetter.IdConverter.class,
      description = "These letters, as `dead-letters list` prints them.")
  private Set<DeadLetter.Id> letters = Set.of();

  boolean isEverything() {
    return codes.isEmpty() && task == null && since == null && letters.isEmpty();
  }

  Set<DeadLetter.Id> letters() {
    return letters;
  }

  boolean contains(DeadLetter letter, Connection cluster) {
    return (codes.isEmpty() || codes.contains(letter.code()))
        && (letters.isEmpty() || letters.contains(letter.id()))
        && (since == null || letter.record().timestamp() >= since.toEpochMilli())
        && (task == null || letter.task(cluster).filter(task::equals).isPresent());
  }

  /** The task that was asked for; null for any. */
  String task() {
    return task;
  }

  /** One of the codes there are. */
  static final class CodeConverter implements CommandLine.ITypeConverter<String> {
    @Override
    public String convert(String value) {
      try {
        return ErrorCode.named(value).name();
      } catch (IllegalArgumentException e) {
        throw new CommandLine.TypeConversionException(e.getMessage());
      }
    }
  }

  /** A time ago, or a moment. */
  static final class SinceConverter implements CommandLine.ITypeConverter<Instant> {
    @Override
    public Instant convert(String value) {
      try {
        if (value.matches("\\d{1,6}d")) {
          long days = Long.parseLong(value.substring(0, value.length() - 1));
          return Instant.now().minus(java.time.Duration.ofDays(days));
        }
        return Character.isLetter(value.charAt(value.length() - 1)) && !value.endsWith("Z")
            ? Instant.now().minus(new AdaptationOrder.DurationConverter().convert(value))
            : Instant.parse(value);
      } catch (DateTimeParseException
          | CommandLine.TypeConversionException
          | StringIndexOutOfBoundsException e) {
        throw new CommandLine.TypeConversionException(
            "expected an age such as 90m, 12h or 7d, or a moment such as 2026-01-31T08:00:00Z,"
                + " got '"
                + value
                + "'");
      }
    }
  }
}
