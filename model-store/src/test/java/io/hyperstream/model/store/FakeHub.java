package io.hyperstream.model.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.hyperstream.model.checkpoint.Checksums;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A hub on this machine: {@code /owner/model/resolve/main/FILE}. Safetensors files redirect to
 * {@code /cdn/FILE} of another host name, announcing their SHA-256, as the real one does.
 */
final class FakeHub implements AutoCloseable {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private final HttpServer server;
  private final Map<String, byte[]> files = new HashMap<>();
  private final Set<String> announceWrongly = new HashSet<>();
  private final Map<String, Integer> cutAfter = new HashMap<>();
  private final Map<String, Integer> statuses = new HashMap<>();
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private final Set<String> stalls = Collections.synchronizedSet(new HashSet<>());
  private final CountDownLatch closing = new CountDownLatch(1);
  private boolean etags = true;
  private boolean ignoreRanges;

  FakeHub(TinyCheckpoint checkpoint) throws IOException {
    this(checkpoint.files());
  }

  /**
   * @param content by path in the repository
   */
  FakeHub(Map<String, byte[]> content) throws IOException {
    files.putAll(content);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/owner/model/resolve/", this::resolve);
    server.createContext("/cdn/", this::cdn);
    server.start();
  }

  HubModel model() {
    return model("");
  }

  /**
   * @param revision as in an address: {@code /tree/main}
   */
  HubModel model(String revision) {
    return HubModel.parse(base() + "/owner/model" + revision, Optional.of("secret"));
  }

  URI base() {
    return URI.create(
        "http://"
            + InetAddress.getLoopbackAddress().getHostAddress()
            + ":"
            + server.getAddress().getPort());
  }

  /** The next answers for a file end after so many bytes; none after that. */
  void cutOnce(String file, int bytes) {
    cutAfter.put(file, bytes);
  }

  /** The next answer for a file goes silent after so many bytes, without ending. */
  void stallOnce(String file, int bytes) {
    cutAfter.put(file, bytes);
    stalls.add(file);
  }

  void announceWrongChecksum(String file) {
    announceWrongly.add(file);
  }

  void answer(String file, int status) {
    statuses.put(file, status);
  }

  void withoutEtags() {
    etags = false;
  }

  void ignoreRanges() {
    ignoreRanges = true;
  }

  void replace(String file, byte[] content) {
    files.put(file, content);
  }

  /** {@code METHOD PATH [RANGE]}, with {@code +token} if one was sent. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  private void resolve(HttpExchange exchange) throws IOException {
    String file = fileName(exchange);
    log(exchange);
    Integer status = statuses.remove(file);
    byte[] content = files.get(file);
    if (status != null || content == null) {
      exchange.sendResponseHeaders(status == null ? 404 : status, -1);
      exchange.close();
      return;
    }
    exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
    if (file.endsWith(".safetensors")) {
      String announced = announceWrongly.contains(file) ? "0".repeat(64) : sha256(content);
      exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + announced + "\"");
      exchange
          .getResponseHeaders()
          .set("Location", "http://localhost:" + server.getAddress().getPort() + "/cdn/" + file);
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
    } else {
      send(exchange, file, content);
    }
  }

  private void cdn(HttpExchange exchange) throws IOException {
    String file = fileName(exchange);
    log(exchange);
    send(exchange, file, files.get(file));
  }

  /** What stands behind {@code /cdn/} or the revision, which is one part of the path. */
  private static String fileName(HttpExchange exchange) {
    String path = exchange.getRequestURI().getRawPath();
    return path.replaceFirst("^(?:/cdn|/owner/model/resolve/[^/]+)/", "");
  }

  private void send(HttpExchange exchange, String file, byte[] content) throws IOException {
    int from = 0;
    String etag = "\"v-" + Arrays.hashCode(content) + "\"";
    String range = exchange.getRequestHeaders().getFirst("Range");
    boolean same = etag.equals(exchange.getRequestHeaders().getFirst("If-Range"));
    if (etags) {
      exchange.getResponseHeaders().set("ETag", etag);
    }
    if (range != null && same && !ignoreRanges) {
      from = Integer.parseInt(range.replaceAll("[^0-9]", ""));
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
    Integer cut = cutAfter.remove(file);
    int to = cut == null ? content.length : Math.min(content.length, from + cut);
    OutputStream body = exchange.getResponseBody();
    body.write(content, from, to - from);
    body.flush();
    if (stalls.remove(file)) {
      awaitClose();
    }
    exchange.close();
  }

  private void awaitClose() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void log(HttpExchange exchange) {
    String range = exchange.getRequestHeaders().getFirst("Range");
    boolean token = "Bearer secret".equals(exchange.getRequestHeaders().getFirst("Authorization"));
    requests.add(
        exchange.getRequestURI().getRawPath()
            + (range == null ? "" : " " + range)
            + (token ? " +token" : ""));
  }

  private static String sha256(byte[] content) throws IOException {
    Path file = Files.createTempFile("hub", ".bin");
    try {
      return Checksums.sha256(Files.write(file, content));
    } finally {
      Files.delete(file);
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    ((ExecutorService) server.getExecutor()).shutdownNow();
  }
}
