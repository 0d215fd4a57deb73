package io.hyperstream.model.store;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes a stream nobody has read a byte from for a while: java.net.http has no such timeout. */
final class StallGuard implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StallGuard.class);

  private final InputStream stream;
  private final Duration limit;
  private final ScheduledExecutorService timer;
  private volatile long lastRead = System.nanoTime();

  StallGuard(InputStream stream, Duration limit) {
    this.stream = stream;
    this.limit = limit;
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "download-stall-guard");
              thread.setDaemon(true);
              return thread;
            });
    long period = Math.max(1, limit.toMillis() / 4);
    var unused = timer.scheduleWithFixedDelay(this::check, period, period, TimeUnit.MILLISECONDS);
  }

  /** Call it after every read. */
  void alive() {
    lastRead = System.nanoTime();
  }

  private void check() {
    if (System.nanoTime() - lastRead > limit.toNanos()) {
      LOG.info("No byte for {}; cutting the transfer off", limit);
      try {
        stream.close();
      } catch (IOException e) {
        LOG.debug("closing a stalled transfer", e);
      }
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
