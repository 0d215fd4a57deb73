package io.hyperstream.app.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** Calls an application over HTTP, as a program or as a browser would. */
public final class HttpProbe {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private final int port;
  private final String[] headers;

  /** What came back. */
  public record Answer(HttpResponse<String> response) {
    public int status() {
      return response.statusCode();
    }

    public JsonNode json() throws IOException {
      return JSON.readTree(response.body());
    }

    public String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    @Override
    public String toString() {
      return status() + " " + response.body();
    }
  }

  public HttpProbe(int port, String... headers) {
    this.port = port;
    this.headers = headers;
  }

  /** The same caller with further headers. */
  public HttpProbe with(String... more) {
    String[] all = java.util.Arrays.copyOf(headers, headers.length + more.length);
    System.arraycopy(more, 0, all, headers.length, more.length);
    return new HttpProbe(port, all);
  }

  public Answer get(String path) throws Exception {
    return send("GET", path, "");
  }

  public Answer post(String path, String json) throws Exception {
    return with("Content-Type", "application/json").send("POST", path, json);
  }

  public Answer put(String path, String json) throws Exception {
    return with("Content-Type", "application/json").send("PUT", path, json);
  }

  public Answer patch(String path, String json) throws Exception {
    return with("Content-Type", "application/json").send("PATCH", path, json);
  }

  public Answer send(String method, String path, String body) throws Exception {
    return send(method, path, body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8));
  }

  public Answer send(String method, String path, byte[] body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofSeconds(60))
            .method(
                method,
                body.length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return new Answer(CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString()));
  }

  /** A GET addressed to a host of any name, which Java's client refuses to send. */
  public String statusLine(String path, String host) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String request =
          "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      return new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
          .readLine();
    }
  }

  /** An open stream of events and the result. */
  public static final class Events implements AutoCloseable {
    private final InputStream in;
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final Thread reader = new Thread(this::read, "event-reader");
    private volatile boolean ended;

    /** A comment's name is empty. */
    public record Event(String name, JsonNode data) {}

    private Events(InputStream in) {
      this.in = in;
      reader.setDaemon(true);
      reader.start();
    }

    private void read() {
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
        String name = "";
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith("event: ")) {
            name = line.substring("event: ".length());
          } else if (line.startsWith("data: ")) {
            events.add(new Event(name, JSON.readTree(line.substring("data: ".length()))));
          } else if (line.startsWith(":")) {
            events.add(new Event("", JSON.nullNode()));
          } else if (!line.isEmpty()) {
            throw new IllegalStateException("not an event stream: " + line);
          }
        }
      } catch (IOException e) {
        // Closed by this side.
      } finally {
        ended = true;
      }
    }

    public List<Event> all() {
      return events;
    }

    public boolean has(String name, Predicate<JsonNode> wanted) {
      return events.stream().anyMatch(e -> e.name().equals(name) && wanted.test(e.data()));
    }

    /** Whether the server closed it. */
    public boolean ended() {
      return ended;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  /** Returns when the response has begun. */
  public Events events(String path) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .header("Accept", "text/event-stream");
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<InputStream> response =
        CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      throw new IllegalStateException("status " + response.statusCode());
    }
    return new Events(response.body());
  }
}
