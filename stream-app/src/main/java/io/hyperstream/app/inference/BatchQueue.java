package io.hyperstream.app.inference;

import io.hyperstream.app.inference.InferenceEngine.Job;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Rows waiting for a batch. Any thread adds, the engine's worker takes. It holds what its callers
 * add: at most their windows (see {@link PrefetchWindow}) plus one row per stream thread.
 */
final class BatchQueue {

  /** A row and since when ({@link System#nanoTime}) it waits. */
  record Queued(Job job, int tokens, long sinceNanos) {}

  private final BatchPolicy policy;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Queued> rows = new ArrayDeque<>(); // guarded by lock
  private long tokens; // guarded by lock
  private boolean closed; // guarded by lock

  BatchQueue(BatchPolicy policy) {
    this.policy = policy;
  }

  /**
   * Adds a row.
   *
   * @param first before all others
   * @return false if the queue is closed
   */
  boolean add(Job job, boolean first) {
    Queued queued = new Queued(job, job.row().tokens(), System.nanoTime());
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      if (first) {
        rows.addFirst(queued);
      } else {
        rows.addLast(queued);
      }
      tokens += queued.tokens;
      changed.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Puts rows back to the front, in their order, also when the queue is closed. */
  void putBack(List<Queued> batch) {
    lock.lock();
    try {
      for (int i = batch.size() - 1; i >= 0; i--) {
        rows.addFirst(batch.get(i));
        tokens += batch.get(i).tokens;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for rows and for company as the policy says; empty when closed and nothing is left. */
  List<Queued> next() throws InterruptedException {
    lock.lock();
    try {
      while (rows.isEmpty()) {
        if (closed) {
          return List.of();
        }
        changed.await();
      }
      long lingerUntil = rows.peekFirst().sinceNanos + policy.maxLinger().toNanos();
      long left = lingerUntil - System.nanoTime();
      while (left > 0 && !closed && !policy.isFull(rows.size(), tokens)) {
        changed.awaitNanos(left);
        left = lingerUntil - System.nanoTime();
      }
      return takeBatch();
    } finally {
      lock.unlock();
    }
  }

  private List<Queued> takeBatch() {
    int count =
        policy.count(rows.stream().limit(policy.maxRows()).mapToInt(Queued::tokens).toArray());
    List<Queued> batch = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Queued queued = rows.removeFirst();
      tokens -= queued.tokens;
      batch.add(queued);
    }
    return batch;
  }

  /** Sleeps; false as soon as the queue is closed. */
  boolean pause(long nanos) throws InterruptedException {
    long until = System.nanoTime() + nanos;
    lock.lock();
    try {
      for (long left = nanos; left > 0 && !closed; left = until - System.nanoTime()) {
        changed.awaitNanos(left);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /** Rows waiting. */
  int size() {
    lock.lock();
    try {
      return rows.size();
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more rows; those in it can still be taken. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Closes it and gives back what is left. */
  List<Queued> closeAndDrain() {
    lock.lock();
    try {
      closed = true;
      List<Queued> left = List.copyOf(rows);
      rows.clear();
      tokens = 0;
      return left;
    } finally {
      lock.unlock();
    }
  }
}
