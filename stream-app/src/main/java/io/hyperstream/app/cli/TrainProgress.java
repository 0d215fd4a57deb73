package io.hyperstream.app.cli;

import io.hyperstream.model.training.TrainingListener;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Shows how training goes: a bar with loss, tokens per second and what is left, a line per
 * evaluation. A signal (Ctrl-C, SIGTERM) lets the step end and the state be saved first. Made and
 * closed by the training thread.
 */
final class TrainProgress implements TrainingListener, AutoCloseable {
  private static final double KEPT = 0.95; // of the moving averages, per step
  private static final long REACTION_SECONDS = 60;

  private final Console console;
  private final ProgressBar bar;
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::onSignal, "hyperstream-train-stop");
  private volatile boolean stop;
  private int firstStep;
  private long firstStepAt;
  private double loss;
  private double tokensPerSecond;

  TrainProgress(Console console, String what, int steps) {
    this.console = console;
    bar = new ProgressBar(console, what, ProgressBar.Unit.ROWS, steps);
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public void stepped(Step step) {
    boolean first = firstStep == 0;
    if (first) {
      firstStep = step.step();
      firstStepAt = System.nanoTime();
    }
    loss = first ? step.loss() : KEPT * loss + (1 - KEPT) * step.loss();
    double tokens = step.tokensPerSecond();
    tokensPerSecond = first ? tokens : KEPT * tokensPerSecond + (1 - KEPT) * tokens;
    String said = String.format(Locale.ROOT, "loss %.3f, %.0f tokens/s", loss, tokensPerSecond);
    if (!first) {
      double perStep = (System.nanoTime() - firstStepAt) / 1e9 / (step.step() - firstStep);
      said += ", " + time(perStep * (step.steps() - step.step())) + " left";
    }
    bar.at(step.step(), step.steps(), said);
  }

  @Override
  public void evaluated(Evaluation evaluation) {
    bar.clear();
    String average =
        evaluation.metrics().isEmpty()
            ? "no validation rows"
            : String.format(Locale.ROOT, "average %.4f", evaluation.average());
    console.note(
        String.format(
            Locale.ROOT,
            "step %d: loss %.3f, %s%s",
            evaluation.step(),
            loss,
            average,
            evaluation.best() ? ", the best so far" : ""));
  }

  @Override
  public boolean stopRequested() {
    return stop;
  }

  double tokensPerSecond() {
    return tokensPerSecond;
  }

  /** 3:07 or 2:05:09. */
  static String time(double seconds) {
    long whole = Math.round(seconds);
    long hours = whole / 3600;
    return hours > 0
        ? String.format(Locale.ROOT, "%d:%02d:%02d", hours, whole / 60 % 60, whole % 60)
        : String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60);
  }

  private void onSignal() {
    stop = true;
    try {
      if (!done.await(REACTION_SECONDS, TimeUnit.SECONDS)) {
        console.note("not waiting any longer; --resume goes on from the last saved state");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    bar.close();
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is already on its way out.
    }
  }
}
