package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourceKind;
import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.StoredRequest;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import io.hyperstream.app.streams.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Finds the text of the request a label names. Requests are kept up to a number and a size; the
 * oldest are evicted. A label that comes before its request waits. The first request of an id
 * counts.
 */
final class RequestJoinProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String REQUESTS = "requests";
  static final String WAITING = "labels-waiting-for-requests";

  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  /** What a request costs beside its texts. */
  private static final int OVERHEAD_BYTES = 200;

  private final SourcedRecords records;
  private final AdaptationOptions options;
  private final AdaptationMetrics metrics;
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<String, StoredRequest> requests;
  private DeferredRecords waiting;

  /** By arrival. */
  private TreeMap<Long, Arrived> arrivals;

  private long bytes;

  private record Arrived(String requestId, long bytes) {}

  RequestJoinProcessor(
      SourcedRecords records, AdaptationOptions options, AdaptationMetrics metrics) {
    this.records = records;
    this.options = options;
    this.metrics = metrics;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> processorContext) {
    context = processorContext;
    requests = context.getStateStore(REQUESTS);
    waiting =
        new DeferredRecords(
            context.getStateStore(WAITING),
            options.maxWaiting(),
            context.currentSystemTimeMs() + options.requestPatience().toMillis());
    arrivals = new TreeMap<>();
    bytes = 0;
    try (KeyValueIterator<String, StoredRequest> all = requests.all()) {
      while (all.hasNext()) {
        KeyValue<String, StoredRequest> entry = all.next();
        arrived(entry.key, entry.value);
      }
    }
    context.schedule(LOOK_EVERY, PunctuationType.WALL_CLOCK_TIME, this::expire);
  }

  private void arrived(String requestId, StoredRequest request) {
    int pair = request.getTextPair() == null ? 0 : request.getTextPair().length();
    long size = OVERHEAD_BYTES + 2L * (requestId.length() + request.getText().length() + pair);
    arrivals.put(request.getArrival(), new Arrived(requestId, size));
    bytes += size;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    SourcedRecord sourced = records.decode(record.value());
    switch (sourced.getKind()) {
      case REQUEST -> request(RequestKeys.requestId(record.key()), sourced);
      case LABEL -> label(RequestKeys.requestId(record.key()), sourced);
      case COMMAND, DEFINITION -> forget(sourced);
    }
  }

  private void request(String requestId, SourcedRecord sourced) {
    if (requests.get(requestId) != null) {
      metrics.duplicateRequests.increment();
      return;
    }
    StoredRequest request =
        StoredRequest.newBuilder()
            .setTaskId(sourced.getTaskId())
            .setText(sourced.getText())
            .setTextPair(sourced.getTextPair())
            .setArrival(arrivals.isEmpty() ? 0 : arrivals.lastKey() + 1)
            .build();
    requests.put(requestId, request);
    arrived(requestId, request);
    for (WaitingRecord label : waiting.take(requestId)) {
      match(label.getRecord(), requestId, request);
    }
    while (arrivals.size() > options.maxRequests()
        || (bytes > options.maxRequestBytes() && arrivals.size() > 1)) {
      Map.Entry<Long, Arrived> oldest = arrivals.pollFirstEntry();
      bytes -= oldest.getValue().bytes();
      requests.delete(oldest.getValue().requestId());
    }
  }

  private void label(String requestId, SourcedRecord label) {
    StoredRequest request = requests.get(requestId);
    if (request != null) {
      match(label, requestId, request);
      return;
    }
    long until = context.currentSystemTimeMs() + options.requestPatience().toMillis();
    String id = label.getTopic() + "-" + label.getPartition() + "-" + label.getOffset();
    if (!waiting.add(requestId, id, label, until)) {
      unmatched(label, "too many labels wait for their requests already; send it again later");
    }
  }

  private void match(SourcedRecord label, String requestId, StoredRequest request) {
    if (!request.getTaskId().equals(label.getTaskId())) {
      unmatched(
          label,
          "request '"
              + requestId
              + "' was for task '"
              + request.getTaskId()
              + "', the label is for task '"
              + label.getTaskId()
              + "'");
      return;
    }
    label.setText(request.getText());
    label.setTextPair(request.getTextPair());
    byte[] taskId = label.getTaskId().getBytes(StandardCharsets.UTF_8);
    context.forward(
        new Record<>(taskId, records.encode(label), context.currentSystemTimeMs()),
        AdaptationTopology.MATCHED);
  }

  private void unmatched(SourcedRecord label, String why) {
    records.reject(context, label, ErrorCode.UNMATCHED_LABEL, why);
  }

  private void expire(long now) {
    for (WaitingRecord label : waiting.expired(now)) {
      unmatched(
          label.getRecord(),
          "the request this label names was not found, or is no longer kept; send"
              + " the label with the text itself");
    }
  }

  /** All requests of a task, or those with one text. */
  private void forget(SourcedRecord order) {
    boolean all = order.getKind() == SourceKind.DEFINITION || order.getText() == null;
    String hash = all ? "" : TextHash.of(order.getText(), order.getTextPair());
    List<KeyValue<String, StoredRequest>> found = new ArrayList<>();
    try (KeyValueIterator<String, StoredRequest> known = requests.all()) {
      while (known.hasNext()) {
        KeyValue<String, StoredRequest> entry = known.next();
        StoredRequest request = entry.value;
        if (request.getTaskId().equals(order.getTaskId())
            && (all || TextHash.of(request.getText(), request.getTextPair()).equals(hash))) {
          found.add(entry);
        }
      }
    }
    for (KeyValue<String, StoredRequest> entry : found) {
      requests.delete(entry.key);
      bytes -= arrivals.remove(entry.value.getArrival()).bytes();
    }
  }
}
