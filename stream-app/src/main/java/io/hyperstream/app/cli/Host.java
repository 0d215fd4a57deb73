package io.hyperstream.app.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the machine gives a process is not ours to choose: language, character set, home folder,
 * proxies. Here it is made the same everywhere, or refused in a sentence, before any other class is
 * loaded. Called by one thread.
 */
final class Host {
  /** What cannot be said in the character set of the locale arrives as this. */
  private static final char REPLACEMENT = '\uFFFD';

  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private Host() {}

  /**
   * Makes this process independent of the machine's language and gives it a home folder.
   *
   * @param environment of the process
   * @throws CommandFailure if a variable of ours came garbled
   */
  static void prepare(Map<String, String> environment) {
    // Files, records and topics look the same wherever they were written: Kafka, too, names its
    // segments in the digits of the default language, and looks constants up by its upper case.
    Locale.setDefault(Locale.ROOT);
    giveHome(environment.getOrDefault("HOME", ""));
    Proxies.use(environment);
    environment.forEach(
        (name, value) -> {
          if (name.startsWith("HYPERSTREAM_") && value.indexOf(REPLACEMENT) >= 0) {
            throw garbled(name);
          }
        });
  }

  /** A user without an entry in passwd has the home "?", which would be a folder of that name. */
  private static void giveHome(String home) {
    String known = System.getProperty("user.home", "");
    if (known.isBlank() || known.equals("?")) {
      System.setProperty("user.home", home.startsWith("/") ? home : "/nonexistent");
    }
  }

  /**
   * The arguments as they were typed: in a locale such as C the virtual machine loses what is not
   * ASCII.
   *
   * @throws CommandFailure if that cannot be undone
   */
  static String[] arguments(String[] args) {
    for (String arg : args) {
      // In a locale of UTF-8 it may have been typed; or it stands for bytes that are not UTF-8.
      if (arg.indexOf(REPLACEMENT) >= 0 && (!localeIsUtf8() || Files.isReadable(COMMAND_LINE))) {
        return decoded(args);
      }
    }
    return args;
  }

  private static String[] decoded(String[] args) {
    try {
      return fromBytes(Files.readAllBytes(COMMAND_LINE), args);
    } catch (IOException e) { // another operating system, or not UTF-8
      throw garbled("an argument");
    }
  }

  /**
   * The last arguments of a process's command line, in UTF-8.
   *
   * @param commandLine each argument followed by a zero byte
   * @param args what the virtual machine made of them
   * @throws CharacterCodingException if they are not UTF-8, or others
   */
  static String[] fromBytes(byte[] commandLine, String[] args) throws CharacterCodingException {
    List<String> all = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < commandLine.length; i++) {
      if (commandLine[i] == 0) {
        ByteBuffer bytes = ByteBuffer.wrap(commandLine, start, i - start);
        all.add(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
        start = i + 1;
      }
    }
    int before = all.size() - args.length;
    for (int i = 0; i < args.length; i++) {
      // The same but for what was lost: a file of arguments (java @FILE) is not in the command
      // line.
      if (before < 0
          || (args[i].indexOf(REPLACEMENT) < 0 && !args[i].equals(all.get(before + i)))) {
        throw new CharacterCodingException();
      }
    }
    return all.subList(before, all.size()).toArray(String[]::new);
  }

  private static boolean localeIsUtf8() {
    return System.getProperty("sun.jnu.encoding", "").equalsIgnoreCase("UTF-8");
  }

  private static CommandFailure garbled(String what) {
    if (localeIsUtf8()) {
      return CommandFailure.usage(what + " is not UTF-8");
    }
    return CommandFailure.usage(
        what
            + " has letters that cannot be read in this locale ("
            + System.getProperty("sun.jnu.encoding")
            + "); start with LC_ALL=C.UTF-8 in the environment");
  }
}
