package io.hyperstream.app.http;

import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.app.streams.Sentences;
import io.micronaut.context.annotation.EachBean;
import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.health.indicator.HealthIndicator;
import io.micronaut.management.health.indicator.HealthResult;
import io.micronaut.management.health.indicator.annotation.Liveness;
import java.util.Map;
import java.util.Optional;
import org.reactivestreams.Publisher;

/**
 * Of each role: down only when nothing but a new start helps; an outage elsewhere is none of it.
 */
@EachBean(RoleRuntime.class)
@Liveness
final class LivenessIndicator implements HealthIndicator {
  private final RoleRuntime role;

  LivenessIndicator(RoleRuntime role) {
    this.role = role;
  }

  @Override
  public Publisher<HealthResult> getResult() {
    Optional<String> fatal = role.fatal();
    return Publishers.just(
        HealthResult.builder(
                role.name() + "-liveness", fatal.isEmpty() ? HealthStatus.UP : HealthStatus.DOWN)
            .details(Map.of("phase", fatal.map(Sentences::of).orElse(role.phase())))
            .build());
  }
}
