package io.hyperstream.app.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a process needs at a moment; Linux only.
 *
 * @param answered requests so far
 * @param residentMiB its memory
 * @param handles open files and sockets
 * @param threads of it
 * @param lag requests written and not committed as read
 */
record SoakSample(int answered, double residentMiB, int handles, int threads, long lag) {

  static SoakSample of(long pid, int answered, long lag) throws IOException {
    Path proc = Path.of("/proc", Long.toString(pid));
    List<String> status = Files.readAllLines(proc.resolve("status"));
    try (Stream<Path> handles = Files.list(proc.resolve("fd"))) {
      return new SoakSample(
          answered,
          number(status, "VmRSS:") / 1024.0,
          (int) handles.count(),
          number(status, "Threads:"),
          lag);
    }
  }

  private static int number(List<String> status, String field) {
    String line = status.stream().filter(l -> l.startsWith(field)).findFirst().orElseThrow();
    return Integer.parseInt(line.replaceAll("\\D", ""));
  }

  static String table(List<SoakSample> samples) {
    return samples.stream()
        .map(
            s ->
                "%d\t%.1f\t%d\t%d\t%d%n"
                    .formatted(s.answered, s.residentMiB, s.handles, s.threads, s.lag))
        .collect(Collectors.joining("", "answered\tMiB\thandles\tthreads\tlag\n", ""));
  }
}
