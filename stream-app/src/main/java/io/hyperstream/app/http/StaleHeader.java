package io.hyperstream.app.http;

import io.hyperstream.app.http.topics.TopicView;
import io.micronaut.http.HttpMethod;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.ResponseFilter;
import io.micronaut.http.annotation.ServerFilter;

/** Marks what is read while the view of the topics ages. */
@ServerFilter("/api/**")
final class StaleHeader {
  private static final String NAME = "Hyperstream-Stale";

  private final TopicView view;

  StaleHeader(TopicView view) {
    this.view = view;
  }

  @ResponseFilter
  void mark(HttpRequest<?> request, MutableHttpResponse<?> response) {
    if (request.getMethod() == HttpMethod.GET) {
      view.stale().ifPresent(why -> response.header(NAME, why.replaceAll("[^\\x20-\\x7e]+", " ")));
    }
  }
}
