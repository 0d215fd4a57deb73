package io.hyperstream.app.cli;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Predictions as they come: on a terminal the latest ones, redrawn in place; in a pipe one plain
 * line each. Any thread.
 */
final class LiveTable implements AutoCloseable {
  private static final int ROWS = 14;
  private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final int FIXED_COLUMNS = 2 + 18 + 1 + 30 + 1 + 5 + 1 + 9 + 2;

  private static final String LEGEND =
      "✓ the answer is the label a person gave; ✗ it is not, and the person's label is in brackets.";

  private final PrintStream out;
  private final boolean terminal;
  private final int textColumns;
  private final Deque<String> rows = new ArrayDeque<>();
  private int drawn;
  private long lastDrawn;
  private boolean closed;

  LiveTable(PrintStream out, boolean terminal, int width) {
    this.out = out;
    this.terminal = terminal;
    this.textColumns = Math.max(20, width - FIXED_COLUMNS - 1);
    out.println(LEGEND);
    if (!terminal) {
      out.println(header());
    }
  }

  synchronized void add(DemoResults.Answer answer, String footer) {
    String row = row(answer);
    if (!terminal) {
      out.println(row);
      return;
    }
    rows.addLast(row);
    if (rows.size() > ROWS) {
      rows.removeFirst();
    }
    long now = System.nanoTime();
    if (now - lastDrawn >= REDRAW_NANOS) {
      lastDrawn = now;
      draw(footer);
    }
  }

  private void draw(String footer) {
    StringBuilder frame = new StringBuilder();
    if (drawn > 0) {
      frame.append("\u001b[").append(drawn).append('A');
    }
    frame.append(header()).append("\u001b[K\n");
    for (String row : rows) {
      frame.append(row).append("\u001b[K\n");
    }
    frame.append(footer).append("\u001b[K\n");
    out.print(frame);
    out.flush();
    drawn = rows.size() + 2;
  }

  @Override
  public void close() {
    finish();
  }

  /** Draws the last state; rows that come later are not shown. */
  synchronized void finish() {
    if (!closed && terminal && !rows.isEmpty()) {
      draw("");
    }
    closed = true;
  }

  private String header() {
    return String.format(
        Locale.ROOT, "  %-18s %-30s %5s %9s  %s", "task", "label", "score", "latency", "text");
  }

  private String row(DemoResults.Answer answer) {
    DemoSentence sentence = answer.sent().sentence().orElseThrow();
    String text =
        sentence.textPair().map(pair -> sentence.text() + ": " + pair).orElse(sentence.text());
    String label =
        answer.correct() ? answer.label() : answer.label() + " (" + sentence.label() + ")";
    return String.format(
        Locale.ROOT,
        "%s %s %s %5.2f %6.0f ms  %s",
        answer.correct() ? "✓" : "✗",
        Rendering.fit(sentence.taskId(), 18),
        Rendering.fit(label, 30),
        answer.score(),
        answer.latencyMicros() / 1000.0,
        Rendering.fit(text, textColumns).stripTrailing());
  }
}
