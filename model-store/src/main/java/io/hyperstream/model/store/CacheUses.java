package io.hyperstream.model.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What living processes use of a cache. Each has a lease, which ends with it, and beside it a list.
 * Called under the cache's lock.
 */
final class CacheUses implements AutoCloseable {
  private static final String LEASE = ".lease";
  private static final String LIST = ".uses";

  private final Path folder;
  private final Path list;
  private final StoreLock.Lease lease;
  private final Map<String, Integer> mine = new TreeMap<>(); // how many times

  /** Takes a lease and removes the lists of those that are gone. */
  CacheUses(Path folder) throws IOException {
    this.folder = Files.createDirectories(folder);
    String id = UUID.randomUUID().toString();
    this.list = folder.resolve(id + LIST);
    this.lease = StoreLock.lease(folder.resolve(id + LEASE));
    for (Path left : leases()) {
      if (!StoreLock.isHeld(left)) {
        Files.deleteIfExists(listOf(left));
        Files.deleteIfExists(left);
      }
    }
  }

  void add(String entry) throws IOException {
    if (mine.merge(entry, 1, Integer::sum) == 1) {
      write();
    }
  }

  void remove(String entry) throws IOException {
    Integer left = mine.computeIfPresent(entry, (same, times) -> times == 1 ? null : times - 1);
    if (left == null) {
      write();
    }
  }

  private void write() throws IOException {
    Path aside = Files.write(list.resolveSibling(list.getFileName() + ".tmp"), mine.keySet());
    Files.move(aside, list, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Of this process and of all others that live. */
  Set<String> all() throws IOException {
    Set<String> all = new HashSet<>(mine.keySet());
    for (Path held : leases()) {
      if (StoreLock.isHeld(held) && Files.exists(listOf(held))) {
        all.addAll(Files.readAllLines(listOf(held)));
      }
    }
    return all;
  }

  private List<Path> leases() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(LEASE)).toList();
    }
  }

  private static Path listOf(Path lease) {
    String name = lease.getFileName().toString();
    return lease.resolveSibling(name.substring(0, name.length() - LEASE.length()) + LIST);
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(list);
    lease.close();
  }
}
