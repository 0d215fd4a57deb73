package io.hyperstream.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process holds outside of Java's heap. */
public final class ProcessMemory {
  /** HotSpot puts a heap of up to 3 GiB below this address, and nothing else lies there. */
  private static final long HEAP_END = 1L << 32;

  private ProcessMemory() {}

  /**
   * Bytes of native memory that are resident. Neither files count, which the system drops and loads
   * as it likes, nor the heap, which grows with how busy the machine is. 0 where /proc does not
   * tell.
   */
  public static long nativeBytes() throws IOException {
    Path maps = Path.of("/proc/self/smaps");
    if (!Files.exists(maps)) {
      return 0;
    }
    long kilobytes = 0;
    boolean heap = false;
    for (String line : Files.readAllLines(maps)) {
      int dash = line.indexOf('-');
      if (Character.digit(line.charAt(0), 16) >= 0 && dash > 0 && dash < line.indexOf(' ')) {
        heap = Long.parseUnsignedLong(line.substring(0, dash), 16) < HEAP_END;
      } else if (!heap && line.startsWith("Anonymous:")) {
        kilobytes += Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    return kilobytes << 10;
  }
}
