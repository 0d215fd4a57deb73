package io.hyperstream.app.tracing;

import io.micrometer.core.instrument.Counter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what the collector takes and what is lost, and says once when that begins and once when it
 * ends. Called by the SDK's own thread, completed by any.
 */
final class WatchedExporter implements SpanExporter {
  private static final Logger LOG = LoggerFactory.getLogger(WatchedExporter.class);

  private final SpanExporter exporter;
  private final Counter exported;
  private final Counter failed;
  private final DroppedSpans dropped;
  private final AtomicLong lost = new AtomicLong(); // since the collector took the last
  private final AtomicBoolean saidDropped = new AtomicBoolean();

  WatchedExporter(SpanExporter exporter, Counter exported, Counter failed, DroppedSpans dropped) {
    this.exporter = exporter;
    this.exported = exported;
    this.failed = failed;
    this.dropped = dropped;
  }

  @Override
  public CompletableResultCode export(Collection<SpanData> spans) {
    int count = spans.size(); // the collection is the SDK's, and emptied soon
    CompletableResultCode result = exporter.export(spans);
    return result.whenComplete(
        () -> {
          if (result.isSuccess()) {
            taken(count);
          } else {
            lost(count, result.getFailureThrowable());
          }
        });
  }

  private void taken(int count) {
    exported.increment(count);
    long before = lost.getAndSet(0);
    if (before > 0) {
      LOG.info("The collector takes traces again; {} spans were lost meanwhile", before);
    } else if (dropped.count() > 0 && saidDropped.compareAndSet(false, true)) {
      LOG.warn(
          "Spans are made faster than the collector takes them, and some are dropped; sample fewer"
              + " (OTEL_TRACES_SAMPLER), or queue more (OTEL_BSP_MAX_QUEUE_SIZE)");
    }
  }

  private void lost(int count, Throwable reason) {
    failed.increment(count);
    if (lost.getAndAdd(count) == 0) {
      LOG.warn(
          "The collector does not take traces: {}. Spans are lost until it does"
              + " (hyperstream_tracing_spans_total counts them); records are answered all the same",
          reason == null ? "no reason given" : reason.toString());
    }
  }

  @Override
  public CompletableResultCode flush() {
    return exporter.flush();
  }

  @Override
  public CompletableResultCode shutdown() {
    return exporter.shutdown();
  }

  @Override
  public String toString() {
    return exporter.toString();
  }
}
