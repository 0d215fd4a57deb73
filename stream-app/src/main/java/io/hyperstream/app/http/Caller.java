package io.hyperstream.app.http;

import io.hyperstream.app.tracing.Tracing;
import io.micronaut.http.HttpRequest;
import io.opentelemetry.context.Context;
import java.security.Principal;
import java.util.Optional;

/** What a request says about who sends it, beside its body. */
final class Caller {
  private static final String TRACEPARENT = "traceparent";

  private Caller() {}

  /** The trace the call is part of (W3C); what is no such thing is ignored. */
  static Optional<String> trace(HttpRequest<?> request) {
    return Optional.ofNullable(request.getHeaders().get(TRACEPARENT))
        .filter(
            value -> value.matches("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.{0,200}"));
  }

  /** The trace the call is part of, as the parent of a span; empty while tracing is off. */
  static Context context(HttpRequest<?> request, Tracing tracing) {
    return tracing.contextOf(request, (call, name) -> call.getHeaders().get(name));
  }

  static String name(HttpRequest<?> request) {
    return request.getUserPrincipal().map(Principal::getName).orElse("");
  }
}
