package io.hyperstream.app.tracing;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.util.List;

/**
 * Decides about a span that has links and no parent as about a child of the first linked span that
 * is sampled: a batch is recorded with the requests in it, a job with the command that asked for
 * it, whatever share of traces the configured sampler takes.
 */
record LinkedSampler(Sampler configured) implements Sampler {

  @Override
  public SamplingResult shouldSample(
      Context parent,
      String traceId,
      String name,
      SpanKind kind,
      Attributes attributes,
      List<LinkData> links) {
    if (!Span.fromContext(parent).getSpanContext().isValid()) {
      for (LinkData link : links) {
        SpanContext linked = link.getSpanContext();
        if (linked.isSampled()) {
          Context context = Context.root().with(Span.wrap(linked));
          return configured.shouldSample(
              context, linked.getTraceId(), name, kind, attributes, links);
        }
      }
    }
    return configured.shouldSample(parent, traceId, name, kind, attributes, links);
  }

  @Override
  public String getDescription() {
    return "Linked{" + configured.getDescription() + "}";
  }
}
