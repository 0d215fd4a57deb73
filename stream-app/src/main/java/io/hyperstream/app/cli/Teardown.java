package io.hyperstream.app.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What has to be undone when the command ends, in reverse order. Made, filled and closed by the
 * command's thread; a signal interrupts that thread and the process waits until it has closed this,
 * so that nothing half started is left behind. Only if a command does not react in time, its
 * resources are closed while it still runs.
 */
final class Teardown implements AutoCloseable {
  private record Step(String what, AutoCloseable action) {}

  private static final long REACTION_SECONDS = 20;

  private static volatile boolean processEnding;

  private final Console console;
  private final Thread command = Thread.currentThread();
  private final Deque<Step> steps = new ArrayDeque<>();
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::onSignal, "hyperstream-teardown");
  private final Object signal = new Object();
  private boolean signalled; // guarded by signal
  private boolean starting; // guarded by signal
  private boolean closed;

  private Teardown(Console console) {
    this.console = console;
  }

  /** Also runs when the process is interrupted or terminated. */
  static Teardown alsoOnSignal(Console console) {
    Teardown teardown = new Teardown(console);
    Runtime.getRuntime().addShutdownHook(teardown.hook);
    return teardown;
  }

  /** Does not return once a signal has begun to end the process. */
  static void letSignalEndTheProcess() {
    while (processEnding) {
      Thread.interrupted(); // a flag would make park return at once
      LockSupport.park();
    }
  }

  /**
   * Closes it at the end; at once if the end has come.
   *
   * @return the same
   */
  synchronized <T extends AutoCloseable> T add(String what, T resource) {
    if (closed) {
      run(new Step(what, resource));
      throw new IllegalStateException("shutting down");
    }
    steps.push(new Step(what, resource));
    return resource;
  }

  /**
   * Starts something that must not be interrupted half way, and closes it at the end. A signal that
   * comes meanwhile takes effect afterwards.
   *
   * @throws InterruptedException if a signal came before; one that comes meanwhile interrupts the
   *     thread
   */
  <T extends AutoCloseable> T start(String what, Callable<T> starter) throws Exception {
    synchronized (signal) {
      if (signalled) {
        throw new InterruptedException();
      }
      starting = true;
    }
    try {
      return add(what, starter.call());
    } finally {
      synchronized (signal) {
        starting = false;
        if (signalled) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  private void onSignal() {
    processEnding = true;
    synchronized (signal) {
      signalled = true;
      if (!starting) {
        command.interrupt();
      }
    }
    try {
      if (done.await(REACTION_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    // What is closed waits for others; an interruption that brought us here would cut that short.
    boolean interrupted = Thread.interrupted();
    while (!steps.isEmpty()) {
      run(steps.pop());
    }
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is already on its way out.
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Step step) {
    try {
      step.action().close();
    } catch (Exception e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      console.note("while stopping " + step.what() + ": " + Failures.sentence(e, true));
    }
  }
}
