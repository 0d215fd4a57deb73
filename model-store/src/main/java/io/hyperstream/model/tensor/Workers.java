package io.hyperstream.model.tensor;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Threads that compute parts of a batch side by side, each part on one of them: small operations do
 * not get faster by sharing one among threads. The calling thread is one of the workers. Any thread
 * may call, several at once; without recording.
 */
public final class Workers implements AutoCloseable {
  /** The calling thread alone. */
  public static final Workers NONE = new Workers(1, 1);

  private final int count;
  private final int threadsEach;
  private final ExecutorService others;

  private Workers(int count, int threadsEach) {
    this.count = count;
    this.threadsEach = threadsEach;
    AtomicInteger made = new AtomicInteger();
    others =
        count == 1
            ? null
            : Executors.newFixedThreadPool(
                count - 1,
                work -> {
                  Thread thread = new Thread(() -> start(work), name(made.getAndIncrement()));
                  thread.setDaemon(true);
                  return thread;
                });
  }

  /**
   * @param count how many parts are computed at once
   * @param threads what they share: an operation of one part has its share of them
   */
  public static Workers of(int count, int threads) {
    return count == 1 ? NONE : new Workers(count, Math.max(1, threads / count));
  }

  private static String name(int index) {
    return "hyperstream-kernel-" + index;
  }

  private void start(Runnable work) {
    NativeMemory.keepFreed();
    Ops.inferenceThread();
    Ops.setThreads(threadsEach);
    work.run();
  }

  /** How many parts are computed at once. */
  public int count() {
    return count;
  }

  /**
   * Computes all parts. A part's arrays must leave its scope by {@link Ops#keep}.
   *
   * @return in the order of the parts
   * @throws RuntimeException the first that a part threw, after all have ended
   */
  public <T> List<T> run(List<Supplier<T>> parts) {
    if (count == 1 || parts.size() == 1) {
      return parts.stream().map(Supplier::get).toList();
    }
    int threads = Ops.setThreads(threadsEach);
    try {
      return shared(parts);
    } finally {
      Ops.setThreads(threads);
    }
  }

  private <T> List<T> shared(List<Supplier<T>> parts) {
    List<T> results = new ArrayList<>(Collections.nCopies(parts.size(), null));
    AtomicInteger next = new AtomicInteger();
    Runnable take =
        () -> {
          for (int i = next.getAndIncrement(); i < parts.size(); i = next.getAndIncrement()) {
            results.set(i, parts.get(i).get());
          }
        };
    List<Future<?>> helpers = new ArrayList<>();
    for (int i = 1; i < Math.min(count, parts.size()); i++) {
      helpers.add(others.submit(take));
    }
    RuntimeException failure = null;
    try {
      take.run();
    } catch (RuntimeException e) {
      failure = e;
    }
    for (Future<?> helper : helpers) {
      failure = await(helper, failure);
    }
    if (failure != null) {
      throw failure;
    }
    return results;
  }

  private static RuntimeException await(Future<?> helper, RuntimeException before) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          helper.get();
          return before;
        } catch (InterruptedException e) {
          interrupted = true; // what a native call computes cannot be left behind
        } catch (ExecutionException e) {
          RuntimeException failure =
              e.getCause() instanceof RuntimeException cause
                  ? cause
                  : new IllegalStateException("a part of a batch failed", e.getCause());
          return before == null ? failure : before;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    if (others != null) {
      others.shutdown();
    }
  }
}
