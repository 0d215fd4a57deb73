package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.http.problem.Expectation;
import io.hyperstream.app.http.problem.Problem.FieldError;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.http.topics.DefinitionTable.Defined;
import io.hyperstream.app.http.topics.TopicWriter;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.Topics;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Labels and commands: records of {@code adaptation.labels} and {@code adaptation.commands}. */
@Controller("/api/tasks/{taskId}")
@ExecuteOn(HttpThreads.NAME)
@Tag(name = "teaching")
class TeachingController {
  private static final int MOST_ERRORS = 20;

  private final Tasks tasks;
  private final TopicWriter writer;
  private final Topics topics;
  private final LimitSettings limits;

  TeachingController(
      Tasks tasks, TopicWriter writer, ClusterSettings cluster, LimitSettings limits) {
    this.tasks = tasks;
    this.writer = writer;
    topics = cluster.topics();
    this.limits = limits;
  }

  /** How many examples are on their way. */
  @Serdeable
  record Accepted(int accepted) {}

  /** What the report will name. */
  @Serdeable
  record Ordered(String commandId) {}

  /** Teaches a task: all examples are sent, or none if one of them is wrong. */
  @Post("/examples")
  @Secured({TEACH_NAME, ADMIN_NAME})
  @ApiResponse(responseCode = "202", description = "The labels are in their topic.")
  @ApiResponse(responseCode = "409", description = "The task cannot be served, so it cannot learn.")
  HttpResponse<Accepted> examples(
      @PathVariable String taskId, @Valid @Body ExamplesInput input, HttpRequest<?> request) {
    Defined task = tasks.require(taskId);
    boolean several = input.getItems() != null;
    if (several && (input.getText() != null || input.getRequestId() != null || input.labelled())) {
      throw ProblemException.field("items", "nothing may stand beside them");
    }
    List<ExampleInput> examples = several ? input.getItems() : List.of(input);
    TaskDefinition definition = asServed(task);
    List<FieldError> errors = new ArrayList<>();
    List<LabelEvent> events = new ArrayList<>();
    for (int i = 0; i < examples.size() && errors.size() < MOST_ERRORS; i++) {
      String at = several ? "items[" + i + "]." : "";
      Optional<FieldError> error = wrong(examples.get(i), definition, at);
      error.ifPresent(errors::add);
      if (error.isEmpty()) {
        events.add(event(taskId, examples.get(i), Caller.name(request)));
      }
    }
    if (!errors.isEmpty()) {
      FieldError first = errors.get(0);
      throw new ProblemException(
          HttpStatus.BAD_REQUEST, first.field() + ": " + first.message(), errors);
    }
    writer.send(topics.labels(), taskId, events, Caller.trace(request));
    return HttpResponse.accepted().body(new Accepted(events.size()));
  }

  private static TaskDefinition asServed(Defined task) {
    if (task.written().isEmpty() || task.problem().isPresent()) {
      throw new ProblemException(
          HttpStatus.CONFLICT,
          "the task '"
              + task.taskId()
              + "' cannot be served, so it cannot learn: "
              + task.problem().orElse("its definition cannot be read"));
    }
    return TaskDefinitions.modelOf(task.written().get());
  }

  private Optional<FieldError> wrong(ExampleInput example, TaskDefinition task, String at) {
    String text = example.getText();
    if ((text == null) == (example.getRequestId() == null)) {
      return error(at + "text", "give the text, or the requestId of an earlier request");
    }
    if (text != null && text.isBlank()) {
      return error(at + "text", "it is empty or white space only");
    }
    String pair = example.getTextPair();
    long chars = (text == null ? 0L : text.length()) + (pair == null ? 0 : pair.length());
    if (chars > limits.maxTextChars()) {
      return error(
          at + "text",
          "the text has "
              + chars
              + " characters, the limit (hyperstream.limits.max-text-chars) is "
              + limits.maxTextChars());
    }
    if (!example.labelled()) {
      return error(at + "label", "name the right label; null takes an earlier one back");
    }
    boolean mayBePair = pair != null || text == null;
    return TaskDefinitions.cannotLearn(task, mayBePair, example.getLabel())
        .flatMap(why -> error(at + "label", why));
  }

  private static Optional<FieldError> error(String field, String message) {
    return Optional.of(new FieldError(field, message));
  }

  private static LabelEvent event(String taskId, ExampleInput example, String caller) {
    return LabelEvent.newBuilder()
        .setTaskId(taskId)
        .setRequestId(example.getRequestId())
        .setText(example.getText())
        .setTextPair(example.getTextPair())
        .setLabel(example.getLabel())
        .setSource(example.getSource() == null ? caller : example.getSource())
        .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
        .build();
  }

  /** Gives an order; the report on it names the commandId. */
  @Post("/commands")
  @Secured({TEACH_NAME, ADMIN_NAME})
  @ApiResponse(responseCode = "202", description = "The command is in its topic.")
  HttpResponse<Ordered> command(
      @PathVariable String taskId, @Valid @Body CommandInput input, HttpRequest<?> request) {
    check(input);
    tasks.require(taskId);
    AdaptationCommand command =
        AdaptationCommand.newBuilder()
            .setCommandId(UUID.randomUUID().toString())
            .setTaskId(taskId)
            .setAction(input.action())
            .setVersion(input.version())
            .setText(input.text())
            .setTextPair(input.textPair())
            .setReason(input.reason() == null ? "" : input.reason())
            .setIssuedBy(Caller.name(request))
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    writer.send(topics.commands(), taskId, List.of(command), Caller.trace(request));
    return HttpResponse.accepted().body(new Ordered(command.getCommandId()));
  }

  private static void check(CommandInput input) {
    if (input.action() == AdaptationAction.UNKNOWN) {
      throw ProblemException.field(
          "action", Expectation.sentence(AdaptationAction.class, "the text 'UNKNOWN'"));
    }
    if (input.version() != null && input.action() != AdaptationAction.ROLLBACK) {
      throw ProblemException.field("version", "it goes with ROLLBACK");
    }
    if (input.text() != null && input.action() != AdaptationAction.FORGET) {
      throw ProblemException.field("text", "it goes with FORGET");
    }
    boolean all = Boolean.TRUE.equals(input.all());
    if (all && input.action() != AdaptationAction.FORGET) {
      throw ProblemException.field("all", "it goes with FORGET");
    }
    if (all && input.text() != null) {
      throw ProblemException.field("all", "FORGET takes a text, or all, not both");
    }
    if (input.action() == AdaptationAction.FORGET && !all && input.text() == null) {
      throw ProblemException.field(
          "text", "name the example's text; \"all\": true erases every example of the task");
    }
    if (input.text() != null && input.text().isBlank()) {
      throw ProblemException.field("text", "it is empty or white space only");
    }
    if (input.textPair() != null && input.text() == null) {
      throw ProblemException.field("textPair", "it goes with text");
    }
  }
}
