package io.hyperstream.app.cli;

import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.streams.NativeCode;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.schemas.RegistryAnswer;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.context.exceptions.BeanContextException;
import io.micronaut.core.naming.NameUtils;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import picocli.CommandLine;

/** Turns exceptions into a sentence to act on and an exit status. */
final class Failures {
  private static final Pattern REFUSED =
      Pattern.compile("(io\\.hyperstream\\.app\\.config\\.\\w+)\\.(\\w+) - (.+)");

  private static final Pattern WRONG_TYPE =
      Pattern.compile(
          "property value \\[([^\\]]+)\\]\\. Unable to convert value \\[(.*)\\] to target type"
              + " \\[([^\\]]+)\\]");

  private static final Pattern SETTING =
      Pattern.compile("parameter \\[(\\w+)\\] of class: (io\\.hyperstream\\.app\\.config\\.\\w+)");

  private Failures() {}

  static int onParameterException(CommandLine.ParameterException exception, String[] args) {
    CommandLine command = exception.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("hyperstream: " + Sentences.of(exception));
    CommandLine.UnmatchedArgumentException.printSuggestions(exception, err);
    err.println("Try `" + command.getCommandSpec().qualifiedName(" ") + " --help`.");
    return ExitCodes.USAGE;
  }

  static int onException(Console console, Throwable exception) {
    Throwable cause = unwrap(exception);
    if (cause instanceof Console.OutputLostException) {
      return ExitCodes.OK; // withOutput says what is to be said
    }
    if (cause instanceof InterruptedException || cause instanceof InterruptException) {
      console.note("hyperstream: interrupted");
      return ExitCodes.INTERRUPTED;
    }
    console.note("hyperstream: " + sentence(cause, console.verbose()));
    if (console.verbose()) {
      exception.printStackTrace(console.err());
    }
    return cause instanceof CommandFailure failure ? failure.exitCode() : ExitCodes.FAILURE;
  }

  /**
   * The exit status of a command that ended with {@code status}, whose output may not have arrived.
   * A reader that has gone, as {@code head} does, is no failure; a full disk is.
   */
  static int withOutput(Console console, int status) {
    Optional<IOException> failure = console.outputFailure().filter(lost -> !isBrokenPipe(lost));
    failure.ifPresent(
        lost ->
            console.note(
                "hyperstream: the output could not be written: "
                    + Sentences.of(lost)
                    + "; what has been written of it is not complete"));
    return failure.isPresent() && status == ExitCodes.OK ? ExitCodes.FAILURE : status;
  }

  /** Java keeps no error number, and the message is in the language of the system: so compare. */
  private static boolean isBrokenPipe(IOException failure) {
    try {
      Pipe pipe = Pipe.open();
      try (Pipe.SinkChannel sink = pipe.sink()) {
        pipe.source().close();
        sink.write(ByteBuffer.allocate(1));
      }
      return false;
    } catch (IOException broken) {
      return String.valueOf(broken.getMessage()).equals(failure.getMessage());
    }
  }

  /** What happened and what to do, in a line. */
  static String sentence(Throwable cause, boolean verbose) {
    return Sentences.of(written(cause, verbose));
  }

  private static String written(Throwable cause, boolean verbose) {
    if (cause instanceof BeanContextException) {
      Optional<String> wrong =
          wrongSetting(cause)
              .or(() -> wrongType(cause, System.getenv()))
              .or(() -> refusedByItself(cause));
      if (wrong.isPresent()) {
        return wrong.get();
      }
    }
    Optional<String> notLoaded = NativeCode.problem(cause);
    if (notLoaded.isPresent()) {
      return notLoaded.get();
    }
    if (cause instanceof InvalidPathException path && !path.getInput().contains("\0")) {
      return "the path "
          + path.getInput()
          + " has letters that this locale has no bytes for; start with LC_ALL=C.UTF-8 in the"
          + " environment";
    }
    if (cause instanceof FileSystemException file && isUnderHome(file.getFile())) {
      return "cannot use "
          + file.getFile()
          + (file.getReason() == null ? " (not allowed)" : " (" + file.getReason() + ")")
          + "; set HOME to a folder that can be written to, or HYPERSTREAM_MODEL_DIR,"
          + " HYPERSTREAM_DATA_DIR and DJL_CACHE_DIR to such folders";
    }
    if (cause instanceof CommandFailure || cause instanceof IllegalArgumentException) {
      return String.valueOf(cause.getMessage());
    }
    String detail = cause.getMessage() == null ? "" : ": " + cause.getMessage();
    if (cause instanceof NoSuchFileException file) {
      return file.getReason() == null ? "no such file" + detail : cause.getMessage();
    }
    if (cause instanceof ConnectException) {
      return "cannot connect"
          + detail
          + "; check the address and that something listens there"
          + (System.getProperty("http.proxyHost", System.getProperty("https.proxyHost")) == null
              ? ""
              : ", or at the proxy of HTTP_PROXY and HTTPS_PROXY");
    }
    if (cause instanceof AccessDeniedException) {
      return "not allowed to open" + detail;
    }
    if (cause instanceof ConfigException) {
      return "a Kafka setting is wrong" + detail;
    }
    if (cause instanceof AuthenticationException) {
      return "Kafka refused the credentials"
          + detail
          + "; put them into the file of"
          + " --command-config (security.protocol, sasl.*, ssl.*)";
    }
    if (cause instanceof AuthorizationException) {
      return "Kafka does not allow this" + detail + "; ask for the ACL or use other credentials";
    }
    if (cause instanceof TimeoutException) {
      return "Kafka did not answer in time"
          + detail
          + "; check --bootstrap-servers and that the cluster is up";
    }
    if (cause instanceof RestClientException rest) {
      return "the schema registry answered "
          + RegistryAnswer.of(rest)
          + "; check --schema-registry-url and its credentials in --command-config";
    }
    if (cause instanceof SerializationException && cause.getCause() != null) {
      return cause.getMessage() + ": " + sentence(cause.getCause(), true);
    }
    if (cause.getClass() == KafkaException.class && cause.getCause() != null) {
      return sentence(cause.getCause(), verbose); // "Failed to construct a client"
    }
    if (cause.getMessage() != null && speaksForItself(cause)) {
      return cause.getMessage();
    }
    return cause.getClass().getName()
        + detail
        + (verbose ? "" : "; --verbose shows where it happened");
  }

  /**
   * The setting that a validated {@code @ConfigurationProperties} refused, by the name it is set
   * under. Micronaut tells class, component and constraint in a line of its message.
   */
  private static Optional<String> wrongSetting(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      Matcher line = REFUSED.matcher(String.valueOf(cause.getMessage()));
      if (line.find()) {
        try {
          ConfigurationProperties group =
              Class.forName(line.group(1)).getAnnotation(ConfigurationProperties.class);
          if (group != null) {
            String key = group.value() + "." + NameUtils.hyphenate(line.group(2)).replace("[]", "");
            return Optional.of(
                "%s (in the environment %s) %s"
                    .formatted(
                        key,
                        key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_"),
                        line.group(3).strip()));
          }
        } catch (ClassNotFoundException e) { // not a class of settings
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  /** What settings that check themselves say. */
  private static Optional<String> refusedByItself(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      StackTraceElement[] trace = cause.getStackTrace();
      if (cause instanceof IllegalArgumentException
          && trace.length > 0
          && trace[0].getClassName().startsWith(RoleSettings.class.getPackageName() + ".")) {
        return Optional.of(cause.getMessage());
      }
    }
    return Optional.empty();
  }

  /** A setting that is no number, duration or the like. The value is no secret: those are text. */
  static Optional<String> wrongType(Throwable failure, Map<String, String> environment) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      Matcher line = WRONG_TYPE.matcher(String.valueOf(cause.getMessage()));
      if (line.find()) {
        String value = line.group(2);
        return Optional.of(
            environment.entrySet().stream()
                    .filter(set -> set.getValue().equals(value) && isSetting(set.getKey()))
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .map(name -> "the environment's " + name)
                    .orElse(line.group(1))
                + " is "
                + value
                + ", expected "
                + expected(line.group(3), cause.getMessage())
                + (value.matches("(tcp|udp|sctp)://.*")
                    ? "; Kubernetes sets such variables beside a Service: enableServiceLinks: false"
                        + " in the pod's specification ends that"
                    : ""));
      }
    }
    return Optional.empty();
  }

  private static String expected(String type, String message) {
    return switch (type) {
      case "Duration" -> "a time such as 500ms, 90s, 5m or 1h";
      case "boolean" -> "true or false";
      case "int", "long", "double" -> "a number";
      default -> symbols(message).orElse("another value");
    };
  }

  /** Of the enum that a setting is. */
  private static Optional<String> symbols(String message) {
    Matcher setting = SETTING.matcher(message);
    try {
      return setting.find()
          ? Arrays.stream(Class.forName(setting.group(2)).getRecordComponents())
              .filter(field -> field.getName().equals(setting.group(1)) && field.getType().isEnum())
              .map(field -> Sentences.oneOf(field.getType()))
              .findFirst()
          : Optional.empty();
    } catch (ClassNotFoundException e) { // not a class of settings
      return Optional.empty();
    }
  }

  private static boolean isSetting(String variable) {
    return variable.startsWith("HYPERSTREAM_") || variable.startsWith("MICRONAUT_");
  }

  private static boolean isUnderHome(String file) {
    String home = System.getProperty("user.home", "");
    // Or the home itself, or what it would be made in.
    return file != null
        && (file.startsWith(home + "/.hyperstream")
            || file.startsWith(home + "/.djl")
            || home.equals(file)
            || home.startsWith(file + "/"));
  }

  /** Ours, and the plain ones, whose messages are written for people. */
  private static boolean speaksForItself(Throwable cause) {
    return cause.getClass().getName().startsWith("io.hyperstream.")
        || cause.getClass() == IOException.class
        || cause.getClass() == FileNotFoundException.class
        || cause.getClass() == IllegalStateException.class;
  }

  private static Throwable unwrap(Throwable exception) {
    Throwable cause = exception;
    while ((cause instanceof ExecutionException
            || cause instanceof CompletionException
            || cause instanceof java.io.UncheckedIOException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
