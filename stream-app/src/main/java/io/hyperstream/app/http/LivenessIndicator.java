package io.hyperstream.app.http;

import io.hyperstream.app.inference.InferenceRuntime;
import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.health.indicator.HealthIndicator;
import io.micronaut.management.health.indicator.HealthResult;
import io.micronaut.management.health.indicator.annotation.Liveness;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.Optional;
import org.reactivestreams.Publisher;

/** Down only when nothing but a new start helps; an outage elsewhere is none of it. */
@Singleton
@Liveness
final class LivenessIndicator implements HealthIndicator {
  private final InferenceRuntime runtime;

  LivenessIndicator(InferenceRuntime runtime) {
    this.runtime = runtime;
  }

  @Override
  public Publisher<HealthResult> getResult() {
    Optional<String> fatal = runtime.fatal();
    return Publishers.just(
        HealthResult.builder(
                "inference-liveness", fatal.isEmpty() ? HealthStatus.UP : HealthStatus.DOWN)
            .details(Map.of("phase", fatal.orElse(runtime.phase())))
            .build());
  }
}
