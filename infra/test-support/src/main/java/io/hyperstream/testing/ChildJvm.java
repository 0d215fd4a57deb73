package io.hyperstream.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Virtual machines that tests start. */
public final class ChildJvm {
  /**
   * As {@code test.jvm.args} of the build: whoever lives for seconds gains nothing from a second
   * compiler and a collector of many threads, and they take the time of the tests beside it.
   */
  public static final List<String> OPTIONS =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private ChildJvm() {}

  /** The {@code java} of this process, with {@link #OPTIONS}; the rest is to be added. */
  public static List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(OPTIONS);
    return command;
  }
}
