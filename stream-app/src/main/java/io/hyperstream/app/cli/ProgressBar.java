package io.hyperstream.app.cli;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Progress on standard error: one line repainted in place on a terminal, a plain line now and then
 * in a pipe. What is over before the first of them is not worth a line. Any thread; closing twice
 * does nothing the second time.
 */
final class ProgressBar implements AutoCloseable {

  /** How amounts are written. */
  enum Unit {
    ROWS,
    BYTES,
    /** Few and long: what is left is told in time, not in amounts a second. */
    RUNS
  }

  private static final long TERMINAL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long PIPE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int BAR = 24;

  private final Console console;
  private final String what;
  private final Unit unit;
  private final LongSupplier clock;
  private final long started;
  private long total;
  private long done;
  private long lastPaint;
  private String detail = "";
  private boolean painted;
  private boolean closed;

  /**
   * @param what what is going on, as in "sending requests"
   * @param total how much there is; negative when nobody knows
   */
  ProgressBar(Console console, String what, Unit unit, long total) {
    this(console, what, unit, total, System::nanoTime);
  }

  ProgressBar(Console console, String what, Unit unit, long total, LongSupplier nanoClock) {
    this.console = console;
    this.what = what;
    this.unit = unit;
    this.total = total;
    this.clock = nanoClock;
    this.started = nanoClock.getAsLong();
    this.lastPaint = started;
  }

  synchronized void advance(long by) {
    at(done + by, total);
  }

  /** Sets the amount done and, now that it may be known, the total. */
  synchronized void at(long newDone, long newTotal) {
    done = newDone;
    total = newTotal;
    long now = clock.getAsLong();
    if (!closed && now - lastPaint >= (console.errIsTerminal() ? TERMINAL_NANOS : PIPE_NANOS)) {
      lastPaint = now;
      painted = true;
      paint(now);
    }
  }

  /** The same, with something to be said instead of the amount per second. */
  synchronized void at(long newDone, long newTotal, String newDetail) {
    detail = newDetail;
    at(newDone, newTotal);
  }

  /** Takes the line away so that something else can be printed; it comes back by itself. */
  synchronized void clear() {
    if (console.errIsTerminal()) {
      console.err().print("\r\u001b[K");
      console.err().flush();
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (painted) {
      paint(clock.getAsLong());
      if (console.errIsTerminal()) {
        console.err().println();
      }
    }
  }

  private void paint(long now) {
    if (console.errIsTerminal()) {
      String text = line(now, true);
      int end = Math.min(text.length(), console.width() - 1);
      console.err().print("\r" + text.substring(0, end) + "\u001b[K");
      console.err().flush();
    } else {
      console.note(line(now, false));
    }
  }

  private String line(long now, boolean withBar) {
    double seconds = Math.max(1e-3, (now - started) / 1e9);
    StringBuilder line = new StringBuilder(what).append(": ");
    if (total > 0) {
      double share = Math.min(1.0, (double) done / total);
      if (withBar) {
        int full = (int) Math.round(share * BAR);
        line.append('[').append("#".repeat(full)).append(".".repeat(BAR - full)).append("] ");
      }
      line.append(String.format(Locale.ROOT, "%3.0f%% ", share * 100))
          .append(amount(done))
          .append(" of ")
          .append(amount(total));
    } else {
      line.append(amount(done));
    }
    if (!detail.isEmpty()) {
      return line.append(", ").append(detail).toString();
    }
    if (unit == Unit.RUNS) {
      return done == 0 ? line.toString() : line.append(", ").append(left(seconds)).toString();
    }
    return line.append(", ").append(amount((long) (done / seconds))).append("/s").toString();
  }

  private String left(double seconds) {
    long left = Math.round(seconds / done * (total - done));
    return String.format(Locale.ROOT, "%d:%02d left", left / 60, left % 60);
  }

  private String amount(long value) {
    if (unit != Unit.BYTES) {
      return Long.toString(value);
    }
    if (value < 1 << 10) {
      return value + " B";
    }
    if (value < 1 << 20) {
      return String.format(Locale.ROOT, "%.1f KiB", value / 1024.0);
    }
    if (value < 1 << 30) {
      return String.format(Locale.ROOT, "%.1f MiB", value / 1048576.0);
    }
    return String.format(Locale.ROOT, "%.2f GiB", value / 1073741824.0);
  }
}
