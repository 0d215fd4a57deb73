package io.hyperstream.app.http.access;

import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.app.http.problem.Problem;
import io.hyperstream.app.http.problem.Problems;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.order.Ordered;
import io.micronaut.core.util.StringUtils;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpMethod;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ResponseFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.context.ServerContextPathProvider;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What browsers could be tricked into, before anyone asks who is calling: requests that another
 * site's page makes, and requests by a name that another site's owner has pointed at this machine.
 * Programs that are no browsers notice nothing of it. Health and metrics are left alone.
 */
@ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
final class RequestGuard implements Ordered {
  private static final Set<String> OWN_SITE = Set.of("same-origin", "none");
  private static final String STRICT =
      "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self';"
          + " frame-ancestors 'none'; object-src 'none'";

  /** The viewer of the API's description sets styles from its script. */
  private static final String VIEWER = STRICT + "; style-src 'self' 'unsafe-inline'";

  private final AccessPolicy policy;
  private final HttpSettings settings;
  private final String contextPath;

  RequestGuard(AccessPolicy policy, HttpSettings settings, ServerContextPathProvider contextPath) {
    this.policy = policy;
    this.settings = settings;
    String given = Optional.ofNullable(contextPath.getContextPath()).orElse("");
    String path = StringUtils.prependUri("/", given);
    this.contextPath = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }

  /** Before security. */
  @Override
  public int getOrder() {
    return HIGHEST_PRECEDENCE + 100;
  }

  @RequestFilter
  @Nullable
  MutableHttpResponse<Problem> check(HttpRequest<?> request) {
    if (isOperational(path(request))) {
      return null;
    }
    if (!policy.isOffered()) {
      return Problems.response(
          request,
          HttpStatus.NOT_FOUND,
          "this process offers health and metrics only (hyperstream.http.access)");
    }
    Optional<String> foreign =
        foreignHost(request)
            .or(() -> changesState(request) ? otherSite(request) : Optional.empty());
    if (foreign.isPresent()) {
      return Problems.response(request, HttpStatus.FORBIDDEN, foreign.get());
    }
    if (changesState(request) && !hasJson(request)) {
      return Problems.response(
          request,
          HttpStatus.UNSUPPORTED_MEDIA_TYPE,
          "send the body as application/json, said in the header Content-Type");
    }
    return null;
  }

  /** Without the context path. */
  private String path(HttpRequest<?> request) {
    String path = request.getPath();
    return path.startsWith(contextPath + "/") ? path.substring(contextPath.length()) : path;
  }

  private static boolean isOperational(String path) {
    return path.equals("/health") || path.startsWith("/health/") || path.equals("/prometheus");
  }

  private static boolean changesState(HttpRequest<?> request) {
    HttpMethod method = request.getMethod();
    return method != HttpMethod.GET && method != HttpMethod.HEAD && method != HttpMethod.OPTIONS;
  }

  /**
   * A form of another site can send text, but no JSON. DELETE has no body, and no form sends it;
   * nor does any send PATCH, whose bodies have a type of their own too.
   */
  private static boolean hasJson(HttpRequest<?> request) {
    return request.getMethod() == HttpMethod.DELETE
        || request
            .getContentType()
            .filter(
                type ->
                    type.getName().equals(MediaType.APPLICATION_JSON)
                        || (request.getMethod() == HttpMethod.PATCH
                            && type.getName().equals(MediaType.APPLICATION_JSON_MERGE_PATCH)))
            .isPresent();
  }

  /**
   * Where keys are asked for, another site has none to send. Where none are, the name counts that
   * the browser was told: a name someone else owns is not this machine's.
   */
  private Optional<String> foreignHost(HttpRequest<?> request) {
    if (policy.isAuthenticated()) {
      return Optional.empty();
    }
    String host = nameOf(request.getHeaders().get(HttpHeaders.HOST));
    if (isAddress(host)
        || host.equals("localhost")
        || host.endsWith(".localhost")
        || settings.allowedHosts().stream().anyMatch(host::equalsIgnoreCase)) {
      return Optional.empty();
    }
    return Optional.of(
        "the request is addressed to '"
            + host
            + "'. Without keys only localhost, addresses and hyperstream.http.allowed-hosts are"
            + " answered");
  }

  /** Without the port, in lower case. */
  private static String nameOf(@Nullable String hostHeader) {
    if (hostHeader == null) {
      return "";
    }
    String host = hostHeader.strip().toLowerCase(Locale.ROOT);
    int port = host.lastIndexOf(':');
    return port > host.lastIndexOf(']') ? host.substring(0, port) : host;
  }

  /** An address cannot be pointed elsewhere, as a name can. */
  private static boolean isAddress(String host) {
    if (!host.matches("\\[[0-9a-f:.]+]|[0-9]{1,3}(\\.[0-9]{1,3}){3}")) {
      return false;
    }
    try {
      InetAddress.getByName(host); // of a literal: nothing is looked up
      return true;
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static Optional<String> otherSite(HttpRequest<?> request) {
    String site = request.getHeaders().get("Sec-Fetch-Site");
    String origin = request.getHeaders().get(HttpHeaders.ORIGIN);
    boolean other =
        (site != null && !OWN_SITE.contains(site))
            || (origin != null && !isOwn(origin, request.getHeaders().get(HttpHeaders.HOST)));
    return other
        ? Optional.of("a page of another site may not change anything here")
        : Optional.empty();
  }

  /** The scheme may differ: encryption may end before this server. */
  private static boolean isOwn(String origin, @Nullable String host) {
    return host != null && origin.replaceFirst("^https?://", "").equalsIgnoreCase(host.strip());
  }

  @ResponseFilter
  void protect(HttpRequest<?> request, MutableHttpResponse<?> response) {
    String path = path(request);
    response
        .header("Content-Security-Policy", path.startsWith("/api/docs") ? VIEWER : STRICT)
        .header("X-Content-Type-Options", "nosniff")
        .header("X-Frame-Options", "DENY")
        .header("Referrer-Policy", "no-referrer")
        .header("Cross-Origin-Resource-Policy", "same-origin");
    if (path.startsWith("/api/") && !response.getHeaders().contains(HttpHeaders.CACHE_CONTROL)) {
      response.header(HttpHeaders.CACHE_CONTROL, "no-store");
    }
  }
}
