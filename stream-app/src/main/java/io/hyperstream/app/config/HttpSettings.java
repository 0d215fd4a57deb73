package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/**
 * {@code hyperstream.http}: the HTTP API, who may use it and how much of it at once.
 *
 * @param host the address the server listens on
 * @param port the port; -1: a free one
 * @param access who may use the API and the dashboard
 * @param apiKeys {@code NAME:ROLE:sha256:HEX} or {@code NAME:ROLE:KEY} each
 * @param allowedHosts names, besides this machine's own, that requests may be addressed to while no
 *     key is asked for
 * @param maxBodyBytes of a request
 * @param maxPredictions texts being answered for HTTP at once
 * @param maxStreams event streams open at once
 * @param streamBuffer events that wait for one slow stream
 * @param keptReports reports shown, of all tasks together
 * @param keptDeadLetters dead letters shown
 */
@ConfigurationProperties("hyperstream.http")
public record HttpSettings(
    @NotBlank String host,
    @Min(-1) @Max(65_535) int port,
    @NotNull Access access,
    @NotNull @Bindable(defaultValue = "") List<String> apiKeys,
    @NotNull @Bindable(defaultValue = "") List<String> allowedHosts,
    @Min(1024) @Max(64 * 1024 * 1024) int maxBodyBytes,
    @Min(1) @Max(100_000) int maxPredictions,
    @Min(0) @Max(10_000) int maxStreams,
    @Min(16) @Max(100_000) int streamBuffer,
    @Min(1) @Max(100_000) int keptReports,
    @Min(1) @Max(100_000) int keptDeadLetters) {

  /** Who may use the API and the dashboard. */
  public enum Access {
    /** Whoever has a key, if keys are configured; otherwise this machine only. */
    AUTO,
    /** Whoever can reach the port. */
    OPEN,
    /** Whoever has a key, or a token of the issuer configured under micronaut.security. */
    AUTHENTICATED,
    /** Nobody: there are only health and metrics. */
    CLOSED
  }

  public HttpSettings {
    apiKeys = withoutBlanks(apiKeys);
    allowedHosts = withoutBlanks(allowedHosts);
  }

  private static List<String> withoutBlanks(List<String> entries) {
    return entries == null
        ? List.of()
        : entries.stream().map(String::strip).filter(entry -> !entry.isEmpty()).toList();
  }

  /** Whether only programs of this machine can reach the server. */
  public boolean onLoopback() {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false; // the server will say so when it binds
    }
  }
}
