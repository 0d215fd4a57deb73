package io.hyperstream.app.http;

/** The threads that wait for Kafka on behalf of callers; {@code application.yml} says how many. */
final class HttpThreads {
  /** The executor's name. */
  static final String NAME = "api";

  private HttpThreads() {}
}
