package io.hyperstream.model.store;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on a hub that serves files at {@code BASE/REPOSITORY/resolve/REVISION/FILE}, as Hugging
 * Face does.
 *
 * @param base scheme, host and any leading path, without a slash at the end
 * @param repository {@code owner/name} or {@code name}
 * @param revision branch, tag or commit; may have slashes, as {@code refs/pr/7}
 * @param token sent as bearer token to the hub itself, never to hosts it redirects to
 */
public record HubModel(URI base, String repository, String revision, Optional<String> token) {
  private static final String NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,95}";

  /** Of Git's rules for names of branches and tags, what is common. */
  private static final String REVISION_PART = "[A-Za-z0-9_-][A-Za-z0-9._+@-]*";

  private static final int MAX_REVISION = 200;
  private static final Pattern PATH =
      Pattern.compile(
          "(?<base>(?:/%s)*?)/(?<repository>(?:%s/)?%s)(?:/(?:resolve|tree)/(?<revision>.+?))?/?"
              .formatted(NAME, NAME, NAME));

  public HubModel {
    String scheme = base.getScheme() == null ? "" : base.getScheme().toLowerCase(Locale.ROOT);
    if (base.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
      throw new IllegalArgumentException("a hub's address is http(s)://HOST...; got " + base);
    }
    if (!repository.matches("(?:%s/)?%s".formatted(NAME, NAME))) {
      throw new IllegalArgumentException(
          "a repository is OWNER/NAME or NAME; got '" + repository + "'");
    }
    if (revision.length() > MAX_REVISION
        || !revision.matches("%s(?:/%s)*".formatted(REVISION_PART, REVISION_PART))) {
      throw new IllegalArgumentException(
          "a revision is a branch, tag or commit; got '" + revision + "'");
    }
  }

  /**
   * Reads an address as people copy it: {@code https://HOST/OWNER/NAME}, optionally with {@code
   * /resolve/REVISION} or {@code /tree/REVISION}; the revision is {@code main} by default. A slash
   * in it may stand as it is or as {@code %2F}.
   */
  public static HubModel parse(String url, Optional<String> token) {
    URI uri;
    try {
      uri = URI.create(url.strip());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + url + "' is no address: " + e.getMessage(), e);
    }
    Matcher path = PATH.matcher(uri.getPath() == null ? "" : uri.getPath());
    if (uri.getHost() == null || !path.matches()) {
      throw new IllegalArgumentException(
          "expected https://HOST/OWNER/NAME or https://HOST/OWNER/NAME/resolve/REVISION; got '"
              + url
              + "'");
    }
    String base = uri.getScheme() + "://" + uri.getRawAuthority();
    String revision = path.group("revision") == null ? "main" : path.group("revision");
    return new HubModel(
        URI.create(base + path.group("base")), path.group("repository"), revision, token);
  }

  /** Where a file of this model is. A revision is one part of a path, whatever is in it. */
  URI file(String name, String atRevision) {
    String revision = URLEncoder.encode(atRevision, StandardCharsets.UTF_8);
    return URI.create(base + "/" + repository + "/resolve/" + revision + "/" + name);
  }

  /** Names this model; downloads of it resume each other. */
  String key() {
    return base + "/" + repository + "@" + revision;
  }

  /** Without the token. */
  @Override
  public String toString() {
    return base + "/" + repository + " at " + revision;
  }
}
