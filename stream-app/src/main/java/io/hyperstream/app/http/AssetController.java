package io.hyperstream.app.http;

import io.hyperstream.app.http.problem.ProblemException;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.security.annotation.Secured;
import io.micronaut.security.rules.SecurityRule;
import io.swagger.v3.oas.annotations.Hidden;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The files of the dashboard and of the viewer of the API's description, out of the jar. A browser
 * keeps them and asks each time whether they are still the same: their tag is a hash of what is in
 * them, so an upgrade shows at once, and a jar whose files all carry one date does no harm.
 */
@Controller
@Secured(SecurityRule.IS_ANONYMOUS)
@Hidden
class AssetController {
  private static final String DASHBOARD = "dashboard/";
  private static final String VIEWER = "META-INF/resources/webjars/swagger-ui/";
  private static final String VIEWER_ABOUT = "META-INF/maven/org.webjars/swagger-ui/pom.properties";
  private static final String VIEWER_PAGE = "io/hyperstream/app/http/docs/";
  private static final String DESCRIPTION = "META-INF/swagger/hyperstream.yml";
  private static final int MOST_REMEMBERED = 1_000;
  private static final Map<String, String> TYPES =
      Map.ofEntries(
          Map.entry("html", "text/html;charset=utf-8"),
          Map.entry("js", "text/javascript;charset=utf-8"),
          Map.entry("mjs", "text/javascript;charset=utf-8"),
          Map.entry("css", "text/css;charset=utf-8"),
          Map.entry("json", "application/json"),
          Map.entry("webmanifest", "application/manifest+json"),
          Map.entry("svg", "image/svg+xml"),
          Map.entry("png", "image/png"),
          Map.entry("ico", "image/x-icon"),
          Map.entry("woff2", "font/woff2"),
          Map.entry("txt", "text/plain;charset=utf-8"),
          Map.entry("yml", "application/yaml;charset=utf-8"));

  private final Map<String, Optional<Asset>> assets = new ConcurrentHashMap<>();
  private final String viewerFolder;

  /** A file and the tag it is known by. */
  private record Asset(byte[] content, String tag, String type) {}

  AssetController() {
    viewerFolder = VIEWER + viewerVersion() + "/";
  }

  /** The viewer's files lie in a folder of that name. */
  private static String viewerVersion() {
    Properties about = new Properties();
    try (InputStream in =
        AssetController.class.getClassLoader().getResourceAsStream(VIEWER_ABOUT)) {
      if (in != null) {
        about.load(in);
      }
      return about.getProperty("version", "");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + VIEWER_ABOUT, e);
    }
  }

  @Get("/")
  HttpResponse<?> home(HttpRequest<?> request) {
    String path = request.getPath(); // ends with a slash, unless it is a context path
    return to(path.substring(path.lastIndexOf('/') + 1), "/dashboard/");
  }

  /**
   * Relative, for a proxy may have put something before the path; and for now, since a browser
   * never asks again where it was sent for good.
   */
  private static HttpResponse<?> to(String last, String further) {
    String location = last + further;
    return HttpResponse.temporaryRedirect(
        URI.create(location.startsWith("/") ? location.substring(1) : location));
  }

  @Get("/dashboard")
  HttpResponse<?> dashboard(HttpRequest<?> request) {
    return folder(DASHBOARD, request);
  }

  @Get("/dashboard/{+path}")
  HttpResponse<?> dashboard(@PathVariable String path, HttpRequest<?> request) {
    return path.isEmpty() ? folder(DASHBOARD, request) : serve(DASHBOARD + path, request);
  }

  /** With the slash its page, so that what it names is found beside it. */
  private HttpResponse<?> folder(String name, HttpRequest<?> request) {
    String path = request.getPath();
    return path.endsWith("/")
        ? serve(name + "index.html", request)
        : to(path.substring(path.lastIndexOf('/') + 1), "/");
  }

  @Get("/favicon.ico")
  HttpResponse<?> icon(HttpRequest<?> request) {
    return serve(DASHBOARD + "favicon.ico", request);
  }

  @Get("/api/openapi.yml")
  HttpResponse<?> description(HttpRequest<?> request) {
    return serve(DESCRIPTION, request);
  }

  @Get("/api/docs")
  HttpResponse<?> viewer(HttpRequest<?> request) {
    return folder(VIEWER_PAGE, request);
  }

  /** Our own page and script around the viewer's files. */
  @Get("/api/docs/{+path}")
  HttpResponse<?> viewer(@PathVariable String path, HttpRequest<?> request) {
    if (path.isEmpty()) {
      return folder(VIEWER_PAGE, request);
    }
    String own = VIEWER_PAGE + path;
    return serve(find(own).isPresent() ? own : viewerFolder + path, request);
  }

  private HttpResponse<?> serve(String name, HttpRequest<?> request) {
    Asset asset =
        find(name)
            .orElseThrow(
                () -> new ProblemException(HttpStatus.NOT_FOUND, "there is no such file here"));
    String known = request.getHeaders().get(HttpHeaders.IF_NONE_MATCH);
    boolean unchanged = known != null && known.contains(asset.tag());
    return (unchanged ? HttpResponse.notModified() : HttpResponse.ok(asset.content()))
        .header(HttpHeaders.ETAG, asset.tag())
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .contentType(MediaType.of(asset.type()));
  }

  private Optional<Asset> find(String name) {
    Optional<Asset> known = assets.get(name);
    if (known == null) {
      known = load(name);
      if (assets.size() < MOST_REMEMBERED) { // whatever paths are tried
        assets.put(name, known);
      }
    }
    return known;
  }

  /** Only files with an ending that is known, and nothing that climbs out of its folder. */
  private static Optional<Asset> load(String name) {
    String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
    if (type == null || name.contains("..") || !name.matches("[A-Za-z0-9._/-]+")) {
      return Optional.empty();
    }
    try (InputStream in = AssetController.class.getClassLoader().getResourceAsStream(name)) {
      if (in == null) {
        return Optional.empty();
      }
      byte[] content = in.readAllBytes();
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
      String tag = '"' + HexFormat.of().formatHex(hash, 0, 16) + '"';
      return Optional.of(new Asset(content, tag, type));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
