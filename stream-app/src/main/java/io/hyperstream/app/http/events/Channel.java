package io.hyperstream.app.http.events;

/** What a stream is about. */
enum Channel {
  PREDICTIONS,
  REPORTS,
  METRICS
}
