package io.hyperstream.model.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Stream;

/** What Linux says of the processor; nothing on other systems. Any thread. */
public final class Processor {
  private static final Path DESCRIPTION = Path.of("/proc/cpuinfo");
  private static final Set<String> BF16 = Set.of("avx512_bf16", "amx_bf16", "bf16");

  private Processor() {}

  /** The first processor's value of a field such as {@code model name}; empty if there is none. */
  public static String field(String name) {
    try (Stream<String> lines = Files.lines(DESCRIPTION)) {
      return lines
          .filter(line -> line.substring(0, Math.max(0, line.indexOf(':'))).strip().equals(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("");
    } catch (IOException e) { // not Linux
      return "";
    }
  }

  /** Its sets of instructions: {@code flags} of x86, {@code Features} of ARM. */
  public static Set<String> instructions() {
    String flags = field("flags") + " " + field("Features");
    return new LinkedHashSet<>(Arrays.asList(flags.strip().split(" ")));
  }

  /** Whether it has instructions that multiply bfloat16 numbers. */
  static boolean hasBf16() {
    return !Collections.disjoint(instructions(), BF16);
  }
}
