package io.hyperstream.testing;

import java.lang.management.ManagementFactory;

/** What an action takes of the heap. */
public final class Allocation {
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocation() {}

  /** Something that may fail in any way. */
  @FunctionalInterface
  public interface Action {
    void run() throws Exception;
  }

  /** Bytes that this thread allocated meanwhile. */
  public static long of(Action action) throws Exception {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    action.run();
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }
}
