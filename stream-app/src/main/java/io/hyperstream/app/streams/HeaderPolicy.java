package io.hyperstream.app.streams;

import io.hyperstream.schemas.DeadLetterHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Which of a record's headers travel on: all, in their order, as long as they fit; the trace
 * context always goes first. What does not fit is left out and counted in {@value #DROPPED}, so
 * that headers can never make an output record too large.
 *
 * @param maxBytes of all names and values
 */
public record HeaderPolicy(int maxBytes) {
  public static final String DROPPED = "hyperstream.headers.dropped";

  private static final Set<String> TRACE = Set.of(DeadLetterHeaders.TRACEPARENT, "tracestate");

  /** A new set of headers; the request's own are not changed. */
  public Headers travelling(Headers request) {
    RecordHeaders out = new RecordHeaders();
    int left = maxBytes;
    int dropped = 0;
    for (boolean trace : new boolean[] {true, false}) {
      for (Header header : request) {
        if (TRACE.contains(header.key()) != trace) {
          continue;
        }
        int size = sizeOf(header);
        if (size <= left) {
          out.add(header);
          left -= size;
        } else {
          dropped++;
        }
      }
    }
    if (dropped > 0) {
      out.add(DROPPED, Integer.toString(dropped).getBytes(StandardCharsets.UTF_8));
    }
    return out;
  }

  private static int sizeOf(Header header) {
    return header.key().getBytes(StandardCharsets.UTF_8).length
        + (header.value() == null ? 0 : header.value().length);
  }
}
