package io.hyperstream.app.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;

/** The entry point of {@code java -jar hyperstream.jar}. */
public final class Hyperstream {
  /** Commands that are servers: they log as the application is configured to. */
  private static final Set<String> SERVERS = Set.of("serve");

  private Hyperstream() {}

  public static void main(String[] args) {
    // Before any class with a logger or native code is loaded.
    prepare(args);
    int status;
    try {
      Host.prepare(System.getenv());
      status = run(Console.ofProcess(), Host.arguments(args));
    } catch (CommandFailure e) {
      status = Failures.onException(Console.ofProcess(), e);
    }
    // A signal ends the process with a status of its own. On JDK 17 ours would win if it came
    // between the last shutdown hook and that end.
    Teardown.letSignalEndTheProcess();
    System.exit(status);
  }

  /** Runs one command line and returns its exit status. */
  static int run(Console console, String... args) {
    int status;
    try {
      status = commandLine(console).execute(args);
    } catch (Error e) { // of which the parser hands none to its handlers
      status = Failures.onException(console, e);
    }
    return Failures.withOutput(console, status);
  }

  static CommandLine commandLine(Console console) {
    CommandLine line = new CommandLine(new RootCommand(console), new CommandFactory(console));
    line.registerConverter(Path.class, Hyperstream::path);
    line.setExpandAtFiles(false) // texts may begin with @
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setUsageHelpLongOptionsMaxWidth(30)
        .setOut(
            new java.io.PrintWriter(console.out(), true, java.nio.charset.StandardCharsets.UTF_8))
        .setErr(
            new java.io.PrintWriter(console.err(), true, java.nio.charset.StandardCharsets.UTF_8))
        .setParameterExceptionHandler(Failures::onParameterException)
        .setExecutionExceptionHandler(
            (exception, command, parsed) -> Failures.onException(console, exception));
    return line;
  }

  private static Path path(String given) {
    try {
      return Path.of(given);
    } catch (InvalidPathException e) {
      throw new CommandLine.TypeConversionException(Failures.sentence(e, false));
    }
  }

  private static void prepare(String[] args) {
    Map<String, String> defaults =
        Map.of(
            // No download, no telemetry: models and natives are here.
            "ai.djl.offline", "true",
            "OPT_OUT_TRACKING", "true",
            // Newer JDKs warn on the terminal about the older way of reaching memory.
            "io.netty.noUnsafe", "true",
            "java.awt.headless", "true",
            "picocli.ansi", "tty");
    defaults.forEach(Hyperstream::setDefault);
    // The command is the first word; a text may be one of these as well.
    if (Stream.of(args)
        .filter(arg -> !arg.startsWith("-"))
        .findFirst()
        .filter(SERVERS::contains)
        .isEmpty()) {
      setDefault("logback.configurationFile", "io/hyperstream/app/cli/logback-cli.xml");
    }
    if (List.of(args).contains("--verbose")) {
      setDefault("hyperstream.cli.log-level", "INFO");
    }
  }

  private static void setDefault(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }
}
