package io.hyperstream.model.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * GET with ranges on a model hub. Follows redirects itself, because the checksum is announced by
 * the redirecting answer and the token must not travel to the host it points to.
 */
final class HubClient {
  private static final int MAX_REDIRECTS = 5;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration HEADER_TIMEOUT = Duration.ofSeconds(60);
  private static final String USER_AGENT = "hyperstream";

  private final HttpClient http;
  private final HubModel hub;

  HubClient(HubModel hub) {
    this.hub = hub;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER);
    Optional.ofNullable(Authenticator.getDefault()).ifPresent(builder::authenticator);
    http = builder.build();
  }

  /**
   * An answer with a body.
   *
   * @param start offset of the body's first byte in the file: 0 unless a range was granted
   * @param total size of the whole file, if told
   * @param validator a strong ETag that makes a later range safe, if any
   * @param checksum what the hub says about the content: 64 hexadecimal digits of SHA-256, or 40 of
   *     a Git blob; empty if it says nothing
   * @param commit the commit the revision stands for, if told
   */
  record Answer(
      InputStream body,
      long start,
      OptionalLong total,
      Optional<String> validator,
      Optional<String> checksum,
      Optional<String> commit)
      implements AutoCloseable {
    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /**
   * Fetches a file from an offset on.
   *
   * @param from first byte wanted; the answer may start at 0 all the same
   * @param validator the ETag the earlier bytes had; needed for an offset beyond 0
   * @throws HubException if the hub refuses
   */
  Answer get(URI file, long from, String validator) throws IOException {
    Optional<String> checksum = Optional.empty();
    Optional<String> commit = Optional.empty();
    URI at = file;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpResponse<InputStream> response = send(request(at, from, validator));
      HttpHeaders headers = response.headers();
      checksum = checksum.or(() -> checksum(headers));
      commit = commit.or(() -> headers.firstValue("X-Repo-Commit").filter(HubClient::isCommit));
      int status = response.statusCode();
      if (status == 407) { // of a proxy: there may be no body to close
        throw refusal(status, file);
      }
      if (status / 100 == 3 && status != 304) {
        response.body().close();
        at = redirect(at, headers);
        continue;
      }
      if (status != 200 && status != 206) {
        response.body().close();
        throw refusal(status, file);
      }
      return answer(response, from, checksum, commit, file);
    }
    throw HubException.permanent(file + " redirects more than " + MAX_REDIRECTS + " times");
  }

  private HttpRequest request(URI uri, long from, String validator) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(HEADER_TIMEOUT)
            .header("User-Agent", USER_AGENT)
            .header("Accept-Encoding", "identity");
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-").header("If-Range", validator);
    }
    boolean toHub =
        uri.getRawAuthority().equals(hub.base().getRawAuthority())
            && uri.getScheme().equals(hub.base().getScheme());
    if (toHub) {
      hub.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    }
    return request.build();
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
    try {
      return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException("download interrupted").initCause(e);
    } catch (IOException e) {
      throw proxyOf(request.uri())
          .map(
              proxy ->
                  new IOException(
                      "cannot reach "
                          + request.uri()
                          + " through the proxy "
                          + proxy
                          + " ("
                          + Optional.ofNullable(e.getMessage()).orElse(e.getClass().getSimpleName())
                          + "); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment",
                      e))
          .orElse(e);
    }
  }

  /** Host and port of the proxy that a request takes, if it takes one. */
  private static Optional<String> proxyOf(URI uri) {
    return Optional.ofNullable(ProxySelector.getDefault()).stream()
        .flatMap(selector -> selector.select(uri).stream())
        .filter(proxy -> proxy.address() instanceof InetSocketAddress)
        .map(proxy -> (InetSocketAddress) proxy.address())
        .map(proxy -> proxy.getHostString() + ":" + proxy.getPort())
        .findFirst();
  }

  private static URI redirect(URI from, HttpHeaders headers) throws IOException {
    String location =
        headers
            .firstValue("Location")
            .orElseThrow(() -> HubException.permanent(from + " redirects to nowhere"));
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw HubException.permanent(from + " redirects to '" + location + "', which is no address");
    }
    String scheme = to.getScheme() == null ? "" : to.getScheme().toLowerCase(Locale.ROOT);
    boolean downgrade = from.getScheme().equalsIgnoreCase("https") && !scheme.equals("https");
    if (to.getHost() == null || downgrade || !scheme.startsWith("http")) {
      throw HubException.permanent(from + " redirects to " + to + ", which is not followed");
    }
    return to;
  }

  private static HubException refusal(int status, URI file) {
    return switch (status) {
      case 401, 403 ->
          new HubException(
              status,
              false,
              file
                  + " answers "
                  + status
                  + ": no access. If the repository is gated or private, pass a token");
      case 404 ->
          new HubException(
              status, false, file + " answers 404: no such repository, revision or file");
      case 407 ->
          new HubException(
              status,
              false,
              "the proxy "
                  + proxyOf(file).orElse("")
                  + " asks for credentials: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT (or HTTP_PROXY)"
                  + " in the environment");
      case 416 -> new HubException(status, true, file + " has fewer bytes than were downloaded");
      default ->
          new HubException(status, status == 429 || status / 100 == 5, file + " answers " + status);
    };
  }

  private static Answer answer(
      HttpResponse<InputStream> response,
      long from,
      Optional<String> checksum,
      Optional<String> commit,
      URI file)
      throws IOException {
    HttpHeaders headers = response.headers();
    OptionalLong length = headers.firstValueAsLong("Content-Length");
    Optional<String> validator =
        headers.firstValue("ETag").filter(etag -> etag.startsWith("\"") && etag.length() > 2);
    if (response.statusCode() == 200) {
      return new Answer(response.body(), 0, length, validator, checksum, commit);
    }
    String range = headers.firstValue("Content-Range").orElse("");
    if (!range.matches("bytes " + from + "-[0-9]{1,18}/[0-9]{1,18}")) {
      response.body().close();
      throw HubException.permanent(
          file + " answers with the range '" + range + "'; asked for bytes from " + from);
    }
    long total = Long.parseLong(range.substring(range.indexOf('/') + 1));
    return new Answer(response.body(), from, OptionalLong.of(total), validator, checksum, commit);
  }

  /** {@code X-Linked-Etag} is the checksum of a large file; a small one's ETag is its Git blob. */
  private static Optional<String> checksum(HttpHeaders headers) {
    boolean gitHub = headers.firstValue("X-Repo-Commit").isPresent();
    return headers
        .firstValue("X-Linked-Etag")
        .or(() -> headers.firstValue("ETag"))
        .map(etag -> etag.replaceFirst("^W/", "").replace("\"", "").toLowerCase(Locale.ROOT))
        .filter(etag -> etag.matches("[0-9a-f]{64}") || (gitHub && isCommit(etag)));
  }

  private static boolean isCommit(String text) {
    return text.matches("[0-9a-f]{40}");
  }
}
