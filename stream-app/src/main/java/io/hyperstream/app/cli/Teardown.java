package io.hyperstream.app.cli;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What has to be undone when the command ends, in reverse order, whether it ends by itself or by a
 * signal. {@link #close()} runs once, from whichever thread comes first; a second caller waits.
 */
final class Teardown implements AutoCloseable {
  private record Step(String what, AutoCloseable action) {}

  private final Console console;
  private final Deque<Step> steps = new ArrayDeque<>();
  private Thread hook;
  private boolean closed;

  private Teardown(Console console) {
    this.console = console;
  }

  /** Also runs when the process is interrupted or terminated. */
  static Teardown alsoOnSignal(Console console) {
    Teardown teardown = new Teardown(console);
    teardown.hook = new Thread(teardown::close, "hyperstream-teardown");
    Runtime.getRuntime().addShutdownHook(teardown.hook);
    return teardown;
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

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    while (!steps.isEmpty()) {
      run(steps.pop());
    }
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is already on its way out, by this very hook or another.
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
