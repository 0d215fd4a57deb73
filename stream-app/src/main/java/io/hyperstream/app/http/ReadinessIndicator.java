package io.hyperstream.app.http;

import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.app.streams.Sentences;
import io.micronaut.context.annotation.EachBean;
import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.health.indicator.HealthIndicator;
import io.micronaut.management.health.indicator.HealthResult;
import io.micronaut.management.health.indicator.annotation.Readiness;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.reactivestreams.Publisher;

/** Of each role: up while it does its work: streams running, model and registry answering. */
@EachBean(RoleRuntime.class)
@Readiness
final class ReadinessIndicator implements HealthIndicator {
  private final RoleRuntime role;

  ReadinessIndicator(RoleRuntime role) {
    this.role = role;
  }

  @Override
  public Publisher<HealthResult> getResult() {
    Map<String, String> problems = new TreeMap<>(role.problems());
    problems.replaceAll((part, problem) -> Sentences.of(problem));
    Map<String, Object> details =
        new LinkedHashMap<>(problems.isEmpty() ? Map.of("phase", role.phase()) : problems);
    details.putAll(role.notices());
    return Publishers.just(
        HealthResult.builder(role.name(), problems.isEmpty() ? HealthStatus.UP : HealthStatus.DOWN)
            .details(details)
            .build());
  }
}
