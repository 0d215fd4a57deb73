/**
 * OpenTelemetry as this application uses it: the SDK, configured and closed; trace contexts in the
 * headers of records; the names of attributes; the fields of log lines. Which spans there are is
 * decided in the packages whose work they show. Texts, keys and other content of records never
 * become part of a span.
 */
package io.hyperstream.app.tracing;
