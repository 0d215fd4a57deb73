package io.hyperstream.app.http;

import io.hyperstream.app.inference.InferenceRuntime;
import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.health.indicator.HealthIndicator;
import io.micronaut.management.health.indicator.HealthResult;
import io.micronaut.management.health.indicator.annotation.Readiness;
import jakarta.inject.Singleton;
import java.util.Map;
import org.reactivestreams.Publisher;

/** Up while requests are answered: streams running, model loaded, device and registry answering. */
@Singleton
@Readiness
final class ReadinessIndicator implements HealthIndicator {
  private final InferenceRuntime runtime;

  ReadinessIndicator(InferenceRuntime runtime) {
    this.runtime = runtime;
  }

  @Override
  public Publisher<HealthResult> getResult() {
    Map<String, String> problems = runtime.problems();
    return Publishers.just(
        HealthResult.builder("inference", problems.isEmpty() ? HealthStatus.UP : HealthStatus.DOWN)
            .details(problems.isEmpty() ? Map.of("phase", runtime.phase()) : problems)
            .build());
  }
}
