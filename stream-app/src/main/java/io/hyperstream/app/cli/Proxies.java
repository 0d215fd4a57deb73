package io.hyperstream.app.cli;

import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The variables {@code HTTP_PROXY}, {@code HTTPS_PROXY} and {@code NO_PROXY}, which Java does not
 * know, as the properties it does: all HTTP of this process goes by them, whichever client sends
 * it. Properties that are set already win.
 */
final class Proxies {
  /** This machine's own, as Java has it by default. */
  private static final String LOCAL = "localhost|127.*|[::1]|0.0.0.0|[::0]";

  private Proxies() {}

  /** One that is no address of an HTTP proxy, such as socks5, is said and left alone. */
  static void use(Map<String, String> environment) {
    Map<String, PasswordAuthentication> credentials = new HashMap<>();
    for (String scheme : new String[] {"http", "https"}) {
      String name = scheme + "_proxy";
      find(environment, name)
          .filter(proxy -> System.getProperty(scheme + ".proxyHost") == null)
          .flatMap(proxy -> address(name, proxy))
          .ifPresent(
              proxy -> {
                int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
                System.setProperty(scheme + ".proxyHost", proxy.getHost());
                System.setProperty(scheme + ".proxyPort", Integer.toString(port));
                Optional.ofNullable(proxy.getUserInfo())
                    .ifPresent(
                        user -> credentials.put(proxy.getHost() + ":" + port, credentials(user)));
              });
    }
    if (System.getProperty("http.nonProxyHosts") == null) {
      System.setProperty(
          "http.nonProxyHosts", notProxied(find(environment, "no_proxy").orElse("")));
    }
    if (!credentials.isEmpty()) {
      // Java refuses to show a password to the proxy of an encrypted connection unless told.
      System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
      Authenticator.setDefault(
          new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
              return getRequestorType() == RequestorType.PROXY
                  ? credentials.get(getRequestingHost() + ":" + getRequestingPort())
                  : null;
            }
          });
    }
  }

  /** In lower case first, as curl does; what is empty is not set. */
  private static Optional<String> find(Map<String, String> environment, String name) {
    return Stream.of(name, name.toUpperCase(java.util.Locale.ROOT))
        .map(environment::get)
        .filter(value -> value != null && !value.isBlank())
        .map(String::strip)
        .findFirst();
  }

  private static Optional<URI> address(String name, String proxy) {
    try {
      URI uri = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
      if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
        return Optional.of(uri);
      }
    } catch (IllegalArgumentException e) {
      // Said below, without what may be a password.
    }
    Console.ofProcess()
        .note(
            "hyperstream: the environment's "
                + name
                + " (or in capitals) is not used: it is not http://HOST:PORT or"
                + " http://USER:PASSWORD@HOST:PORT");
    return Optional.empty();
  }

  private static PasswordAuthentication credentials(String user) {
    int colon = user.indexOf(':');
    return colon < 0
        ? new PasswordAuthentication(user, new char[0])
        : new PasswordAuthentication(
            user.substring(0, colon), user.substring(colon + 1).toCharArray());
  }

  /** A name stands for itself and all below it; a port in it is not looked at. */
  static String notProxied(String noProxy) {
    return Stream.concat(
            Stream.of(LOCAL),
            Stream.of(noProxy.split(",", -1))
                .map(name -> name.strip().replaceFirst("^\\*?\\.", "").replaceFirst(":[0-9]+$", ""))
                .filter(name -> !name.isEmpty())
                .map(name -> name.equals("*") ? name : name + "|*." + name))
        .collect(Collectors.joining("|"));
  }
}
