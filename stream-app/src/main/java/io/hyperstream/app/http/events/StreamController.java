package io.hyperstream.app.http.events;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.READ_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import io.hyperstream.app.http.ReportView;
import io.hyperstream.app.http.topics.TopicView;
import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.app.http.topics.ViewListener;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Produces;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.reactivestreams.Publisher;

/** What happens, as it happens. */
@Controller("/api/stream")
@Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
@Tag(name = "streams")
class StreamController implements ViewListener {
  private final EventStreams streams;
  private final PredictionTail predictions;

  StreamController(
      EventStreams streams, PredictionTail predictions, MetricsFeed metrics, TopicView view) {
    this.streams = streams;
    this.predictions = predictions;
    metrics.start();
    view.listen(this);
  }

  /**
   * A version that serves from now on.
   *
   * @param version 0: the initial adapter
   * @param form null with version 0, as all that follows
   */
  @Serdeable
  @Schema(name = "VersionEvent")
  record VersionEvent(
      String taskId,
      long version,
      @Nullable AdapterForm form,
      String modelId,
      @Nullable Integer examples,
      @Nullable Map<String, Double> metrics,
      @Nullable Instant createdAt,
      @Nullable String reason) {}

  /**
   * Events {@code prediction}, at most 50 a second; what is left out is counted in events {@code
   * skipped}.
   *
   * @param task whose alone; left out: of all
   */
  @Get("/predictions")
  @Produces(MediaType.TEXT_EVENT_STREAM)
  HttpResponse<Publisher<byte[]>> predictions(@QueryValue(defaultValue = "") String task) {
    Publisher<byte[]> stream = streams.open(Channel.PREDICTIONS, task);
    predictions.follow();
    return response(stream);
  }

  /** Events {@code report} and {@code version}: attempts, and what serves from now on. */
  @Get("/reports")
  @Produces(MediaType.TEXT_EVENT_STREAM)
  HttpResponse<Publisher<byte[]>> reports() {
    return response(streams.open(Channel.REPORTS, ""));
  }

  /** An event {@code metrics} every second. */
  @Get("/metrics")
  @Produces(MediaType.TEXT_EVENT_STREAM)
  HttpResponse<Publisher<byte[]>> metrics() {
    return response(streams.open(Channel.METRICS, ""));
  }

  private static HttpResponse<Publisher<byte[]>> response(Publisher<byte[]> stream) {
    return HttpResponse.ok(stream)
        .header(HttpHeaders.CACHE_CONTROL, "no-store")
        .header("X-Accel-Buffering", "no") // proxies that hold answers back
        .contentType(MediaType.TEXT_EVENT_STREAM_TYPE);
  }

  @Override
  public void reported(AdaptationReport report) {
    streams.publish(Channel.REPORTS, "report", report.getTaskId(), ReportView.of(report));
  }

  @Override
  public void served(String modelId, String taskId, Optional<Published> version) {
    streams.publish(
        Channel.REPORTS,
        "version",
        taskId,
        version
            .map(
                now ->
                    new VersionEvent(
                        taskId,
                        now.version(),
                        now.form(),
                        modelId,
                        now.examples(),
                        now.metrics(),
                        now.createdAt(),
                        now.reason()))
            .orElseGet(() -> new VersionEvent(taskId, 0, null, modelId, null, null, null, null)));
  }
}
