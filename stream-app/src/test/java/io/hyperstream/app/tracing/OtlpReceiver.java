package io.hyperstream.app.tracing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** What a collector does first: takes spans over HTTP on loopback and reads them. Any thread. */
public final class OtlpReceiver implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final List<String> bad = new CopyOnWriteArrayList<>();
  private volatile CountDownLatch hold = new CountDownLatch(0);
  private volatile int status = 200;

  /** A span and whose it is, ids in hexadecimal. */
  public record Received(String service, Span span) {
    public String traceId() {
      return hex(span.getTraceId().toByteArray());
    }

    public String spanId() {
      return hex(span.getSpanId().toByteArray());
    }

    public String parentId() {
      return hex(span.getParentSpanId().toByteArray());
    }

    public Map<String, AnyValue> attributes() {
      return values(span.getAttributesList());
    }

    public String text(String attribute) {
      return attributes().getOrDefault(attribute, AnyValue.getDefaultInstance()).getStringValue();
    }

    /** Of the spans it links to. */
    public List<String> linkedSpanIds() {
      return span.getLinksList().stream().map(l -> hex(l.getSpanId().toByteArray())).toList();
    }

    public String traceparent() {
      int traceFlags = span.getFlags() & 0xff; // the other bits are OTLP's own
      return "00-%s-%s-%02x".formatted(traceId(), spanId(), traceFlags);
    }
  }

  public OtlpReceiver() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::take);
    server.setExecutor(threads);
    server.start();
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      hold.await();
      if (!exchange.getRequestURI().getPath().equals("/v1/traces")
          || !"application/x-protobuf"
              .equals(exchange.getRequestHeaders().getFirst("Content-Type"))) {
        bad.add(exchange.getRequestURI() + " " + exchange.getRequestHeaders().entrySet());
      } else if (status == 200) {
        read(ExportTraceServiceRequest.parseFrom(body));
      }
      exchange.sendResponseHeaders(status, -1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void read(ExportTraceServiceRequest request) {
    for (ResourceSpans resource : request.getResourceSpansList()) {
      AnyValue service = values(resource.getResource().getAttributesList()).get("service.name");
      for (ScopeSpans scope : resource.getScopeSpansList()) {
        for (Span span : scope.getSpansList()) {
          received.add(new Received(service == null ? "" : service.getStringValue(), span));
        }
      }
    }
  }

  private static Map<String, AnyValue> values(List<KeyValue> attributes) {
    return attributes.stream().collect(Collectors.toMap(KeyValue::getKey, KeyValue::getValue));
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Until the latch opens, nothing is answered. */
  public void hold(CountDownLatch until) {
    hold = until;
  }

  /** What is answered from now on; with another than 200 the spans are not taken. */
  public void answer(int code) {
    status = code;
  }

  public List<Received> spans() {
    return List.copyOf(received);
  }

  /** Requests that were none of OTLP over HTTP. */
  public List<String> bad() {
    return bad;
  }

  @Override
  public void close() {
    hold.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
