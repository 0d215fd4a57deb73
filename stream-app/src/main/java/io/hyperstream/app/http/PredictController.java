package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.app.http.problem.Problem;
import io.hyperstream.app.http.problem.Problem.FieldError;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.http.problem.Problems;
import io.hyperstream.app.inference.InferenceClient;
import io.hyperstream.app.inference.InferenceClient.RefusedException;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.inference.Explanation;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskKind;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Post;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;

/**
 * Answers outside the stream, by the same engine, in the same batches. What is asked here is in no
 * topic; load belongs into {@code inference.requests}. No thread waits for an answer.
 */
@Controller(PredictController.PATH)
@Tag(name = "predict")
class PredictController {
  static final String PATH = "/api/predict";

  /** Answers that one with an explanation takes. */
  private static final int EXPLAINED = 1 + Explanation.MAX_PARTS;

  private final InferenceClient inference;
  private final Tasks tasks;
  private final Tracing tracing;
  private final Semaphore places;
  private final int maxPredictions;

  PredictController(
      InferenceClient inference, Tasks tasks, HttpSettings settings, Tracing tracing) {
    this.inference = inference;
    this.tasks = tasks;
    this.tracing = tracing;
    maxPredictions = settings.maxPredictions();
    places = new Semaphore(maxPredictions);
  }

  /**
   * A text, and the tasks that are to answer.
   *
   * @param taskId one task; or
   * @param taskIds several
   * @param explain whether to say which words spoke for the answer; goes with taskId, and takes the
   *     time and the places of up to 32 further answers
   */
  @Serdeable
  @Schema(name = "PredictRequest")
  record Input(
      @Nullable @Size(min = 1, max = 128) String taskId,
      @Nullable @Size(min = 1, max = 64) List<@NotNull @Size(min = 1, max = 128) String> taskIds,
      @NotNull String text,
      @Nullable String textPair,
      @Nullable Boolean explain) {

    boolean explained() {
      return Boolean.TRUE.equals(explain);
    }
  }

  /** What the tasks answered, in the order they were asked. */
  @Serdeable
  record Output(List<Answer> predictions) {}

  /**
   * A prediction, or why there is none.
   *
   * @param text the decoded text, of REGRESSION and GENERATION
   * @param label of CLASSIFICATION; left out where the task abstains
   * @param abstained why it abstains, such as {@code score 0.34 < 0.5}; left out where there is an
   *     answer
   * @param margin the best probability minus the second
   * @param outOfScope how unlike the examples it learnt from a taught version finds the text, 0 to
   *     1: the share of them that were more like the task when they were left out
   * @param explanation if it was asked for: what the best label's probability loses without each
   *     word (or some neighbouring words of a long text), strongest first; left out for kinds
   *     without labels
   * @param taught whether the version that answered learnt from labelled examples of the task;
   *     false for the initial adapter
   */
  @Serdeable
  @Schema(name = "Prediction")
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Answer(
      String taskId,
      @Nullable TaskKind kind,
      @Nullable String label,
      @Nullable Double value,
      @Nullable String text,
      @Nullable Float score,
      @Nullable List<Probability> distribution,
      @Nullable String abstained,
      @Nullable Float margin,
      @Nullable Float outOfScope,
      @Nullable Long adapterVersion,
      @Nullable Boolean taught,
      @Nullable String modelId,
      @Nullable Boolean truncated,
      @Nullable Boolean approximate,
      @Nullable Instant predictedAt,
      @Nullable List<WordEffect> explanation,
      @Nullable Failure error) {

    static Answer of(Prediction prediction, @Nullable List<WordEffect> explanation) {
      return new Answer(
          prediction.getTaskId(),
          prediction.getKind(),
          prediction.getLabel(),
          prediction.getValue(),
          prediction.getText(),
          prediction.getScore(),
          prediction.getDistribution().stream()
              .map(entry -> new Probability(entry.getLabel(), entry.getProbability()))
              .toList(),
          prediction.getAbstained(),
          prediction.getMargin(),
          prediction.getOutOfScope(),
          prediction.getAdapterVersion(),
          prediction.getTaught(),
          prediction.getModelId(),
          prediction.getTruncated(),
          prediction.getApproximate(),
          prediction.getPredictedAt(),
          explanation,
          null);
    }

    static Answer failed(String taskId, Failure failure) {
      return new Answer(
          taskId, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null, null, failure);
    }
  }

  @Serdeable
  @Schema(name = "LabelProbability")
  record Probability(String label, float probability) {}

  /**
   * What words counted.
   *
   * @param effect by how much the probability of the best label falls without them; less than 0 if
   *     they spoke against it
   */
  @Serdeable
  record WordEffect(String words, double effect) {}

  /**
   * Why a task did not answer.
   *
   * @param code as in dead letters, or NOT_NOW where it may be tried again
   */
  @Serdeable
  @Schema(name = "PredictionError")
  record Failure(String code, String message) {
    static final String NOT_NOW = "NOT_NOW";
  }

  /**
   * Asks one or several tasks about a text.
   *
   * @return 200 if all have answered; 207 if some have an error in their place; 404 if none of them
   *     is defined
   */
  @Post
  @ApiResponse(
      responseCode = "200",
      description = "All have answered.",
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = Output.class)))
  @ApiResponse(
      responseCode = "207",
      description = "Some have an error in place of a prediction.",
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = Output.class)))
  @ApiResponse(
      responseCode = "404",
      description = "None of the tasks is defined.",
      content =
          @Content(
              mediaType = Problem.MEDIA_TYPE,
              schema = @Schema(implementation = Problem.class)))
  @Secured({PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
  CompletableFuture<MutableHttpResponse<?>> predict(
      @Valid @Body Input input, HttpRequest<?> request) {
    Span span = begin(request);
    try {
      return answer(input, request, span);
    } catch (ProblemException e) {
      end(span, e.status());
      throw e;
    }
  }

  private Span begin(HttpRequest<?> request) {
    return tracing.isOn()
        ? tracing
            .span("POST " + PATH, SpanKind.SERVER)
            .setParent(Caller.context(request, tracing))
            .setAttribute(SpanKeys.HTTP_METHOD, "POST")
            .setAttribute(SpanKeys.HTTP_ROUTE, PATH)
            .setAttribute(SpanKeys.URL_PATH, request.getPath())
            .setAttribute(SpanKeys.URL_SCHEME, request.isSecure() ? "https" : "http")
            .startSpan()
        : Span.getInvalid();
  }

  private static void end(Span span, HttpStatus status) {
    span.setAttribute(SpanKeys.HTTP_STATUS, (long) status.getCode());
    if (status.getCode() >= 500) {
      Tracing.failed(span, Integer.toString(status.getCode()));
    }
    span.end();
  }

  private CompletableFuture<MutableHttpResponse<?>> answer(
      Input input, HttpRequest<?> request, Span span) {
    Set<String> taskIds = tasksOf(input);
    inference
        .problem()
        .ifPresent(
            problem -> {
              throw ProblemException.notNow(problem);
            });
    int taken = input.explained() ? Math.min(maxPredictions, EXPLAINED) : taskIds.size();
    if (!places.tryAcquire(taken)) {
      throw new ProblemException(
          HttpStatus.TOO_MANY_REQUESTS,
          "at most "
              + maxPredictions
              + " predictions are under way at once (hyperstream.http.max-predictions); try again,"
              + " or send the load to the topic inference.requests");
    }
    List<CompletableFuture<Answer>> answers =
        taskIds.stream().map(taskId -> ask(taskId, input, Context.root().with(span))).toList();
    return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
        .thenApply(
            done -> {
              places.release(taken);
              MutableHttpResponse<?> response =
                  response(answers.stream().map(CompletableFuture::join).toList(), request);
              traceOf(request, span).ifPresent(trace -> response.header("traceparent", trace));
              end(span, response.status());
              return response;
            });
  }

  private MutableHttpResponse<?> response(List<Answer> answers, HttpRequest<?> request) {
    if (answers.stream().allMatch(answer -> failedAs(answer, ErrorCode.UNKNOWN_TASK.name()))) {
      List<FieldError> errors =
          answers.stream()
              .map(answer -> new FieldError("taskId", tasks.undefined(answer.taskId())))
              .toList();
      return Problems.response(request, HttpStatus.NOT_FOUND, errors.get(0).message(), errors);
    }
    return HttpResponse.status(
            answers.stream().allMatch(answer -> answer.error() == null)
                ? HttpStatus.OK
                : HttpStatus.MULTI_STATUS)
        .body(new Output(answers));
  }

  private static boolean failedAs(Answer answer, String code) {
    return answer.error() != null && answer.error().code().equals(code);
  }

  /** Of our span, if there is one; else the caller's own. */
  private static Optional<String> traceOf(HttpRequest<?> request, Span span) {
    return span.getSpanContext().isValid()
        ? Optional.of(Tracing.traceparent(span.getSpanContext()))
        : Caller.trace(request);
  }

  private static Set<String> tasksOf(Input input) {
    if ((input.taskId() == null) == (input.taskIds() == null)) {
      throw ProblemException.field("taskId", "name one task here, or several in taskIds");
    }
    if (input.explained() && input.taskId() == null) {
      throw ProblemException.field("explain", "it goes with one task, in taskId");
    }
    return input.taskId() != null ? Set.of(input.taskId()) : new LinkedHashSet<>(input.taskIds());
  }

  /** Never fails. */
  private CompletableFuture<Answer> ask(String taskId, Input input, Context parent) {
    return predict(taskId, input.text(), Optional.ofNullable(input.textPair()), parent)
        .thenCompose(
            prediction ->
                input.explained() && !prediction.getDistribution().isEmpty()
                    ? explain(prediction, input, parent)
                    : CompletableFuture.completedFuture(Answer.of(prediction, null)))
        .exceptionally(failure -> Answer.failed(taskId, failure(failure)));
  }

  private CompletableFuture<Prediction> predict(
      String taskId, String text, Optional<String> textPair, Context parent) {
    return inference.predict(
        InferenceRequest.newBuilder()
            .setRequestId(UUID.randomUUID().toString())
            .setTaskId(taskId)
            .setText(text)
            .setTextPair(textPair.orElse(null))
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build(),
        parent);
  }

  /**
   * Asks again without each word; words whose answer fails, or is another version's, are left out.
   */
  private CompletableFuture<Answer> explain(Prediction whole, Input input, Context parent) {
    List<Explanation.Variant> variants =
        Explanation.variants(input.text(), Optional.ofNullable(input.textPair()));
    List<CompletableFuture<Optional<List<Float>>>> without =
        variants.stream()
            .map(
                variant ->
                    predict(whole.getTaskId(), variant.text(), variant.textPair(), parent)
                        .handle(
                            (prediction, failure) ->
                                Optional.ofNullable(prediction)
                                    .filter(other -> isComparable(other, whole))
                                    .map(PredictController::probabilities)))
            .toList();
    return CompletableFuture.allOf(without.toArray(CompletableFuture<?>[]::new))
        .thenApply(
            done ->
                Answer.of(
                    whole,
                    Explanation.effects(
                            probabilities(whole),
                            variants,
                            without.stream().map(CompletableFuture::join).toList())
                        .stream()
                        .map(effect -> new WordEffect(effect.words(), effect.effect()))
                        .toList()));
  }

  private static boolean isComparable(Prediction a, Prediction b) {
    return a.getAdapterVersion() == b.getAdapterVersion() && labels(a).equals(labels(b));
  }

  private static List<String> labels(Prediction prediction) {
    return prediction.getDistribution().stream().map(LabelProbability::getLabel).toList();
  }

  private static List<Float> probabilities(Prediction prediction) {
    return prediction.getDistribution().stream().map(LabelProbability::getProbability).toList();
  }

  private static Failure failure(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof RefusedException refused
        ? new Failure(refused.code().name(), Sentences.of(refused))
        : new Failure(
            Failure.NOT_NOW, "there was no answer in time; /health/readiness may say why");
  }
}
