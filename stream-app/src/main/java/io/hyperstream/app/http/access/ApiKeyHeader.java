package io.hyperstream.app.http.access;

import io.micronaut.http.HttpRequest;
import io.micronaut.security.token.reader.TokenReader;
import jakarta.inject.Singleton;
import java.util.Optional;

/** Takes a key from {@code X-API-Key}, beside {@code Authorization: Bearer}. */
@Singleton
final class ApiKeyHeader implements TokenReader<HttpRequest<?>> {
  static final String NAME = "X-API-Key";

  @Override
  public Optional<String> findToken(HttpRequest<?> request) {
    return request.getHeaders().findFirst(NAME).filter(key -> !key.isBlank());
  }
}
