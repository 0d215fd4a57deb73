package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.READ_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.http.topics.DefinitionTable.Defined;
import io.hyperstream.app.http.topics.TopicView;
import io.hyperstream.app.http.topics.TopicWriter;
import io.hyperstream.app.inference.InferenceClient;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.Topic;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Patch;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.Put;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Which tasks there are. A definition is a record of {@code task.definitions}. */
@Controller("/api/tasks")
@ExecuteOn(HttpThreads.NAME)
@Tag(name = "tasks")
class TaskController {
  private static final Duration SHOWN_WITHIN = Duration.ofSeconds(5);

  private final Tasks tasks;
  private final TopicWriter writer;
  private final InferenceClient inference;
  private final Topic definitions;
  private final TaskPatches patches;

  /** By task: what is read, changed and written here is not changed here by others in between. */
  private final Lock[] changing =
      Stream.generate(ReentrantLock::new).limit(64).toArray(Lock[]::new);

  TaskController(
      Tasks tasks,
      TopicWriter writer,
      InferenceClient inference,
      ClusterSettings cluster,
      TaskPatches patches) {
    this.tasks = tasks;
    this.patches = patches;
    this.writer = writer;
    this.inference = inference;
    definitions = cluster.topics().definitions();
  }

  /**
   * Lists tasks in the order of their ids.
   *
   * @param after the id after which to begin; left out: at the first
   * @param limit how many at most
   */
  @Get
  @Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
  TaskView.Page list(
      @QueryValue(defaultValue = "") String after,
      @QueryValue(defaultValue = "100") @Min(1) @Max(1000) int limit) {
    List<Defined> found = tasks.view().definitions().after(after, limit + 1);
    List<TaskView> items = found.stream().limit(limit).map(tasks::show).toList();
    return new TaskView.Page(
        items, found.size() > limit ? items.get(items.size() - 1).taskId() : null);
  }

  /** One task. */
  @Get("/{taskId}")
  @Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
  TaskView get(@PathVariable String taskId) {
    return tasks.show(tasks.require(taskId));
  }

  /** Defines a task that is not defined yet. */
  @Post
  @Secured(ADMIN_NAME)
  @ApiResponse(responseCode = "201", description = "The definition is in its topic.")
  @ApiResponse(responseCode = "409", description = "There is a task of this id.")
  HttpResponse<TaskView> create(@Valid @Body TaskInput task, HttpRequest<?> request) {
    if (task.taskId() == null) {
      throw ProblemException.field("taskId", "a new task needs an id");
    }
    TaskDefinition definition = task.toRecord(task.taskId());
    return change(
        task.taskId(),
        () -> {
          if (tasks.view().definitions().find(task.taskId()).isPresent()) {
            throw new ProblemException(
                HttpStatus.CONFLICT,
                "the task '" + task.taskId() + "' is defined already; PATCH and PUT change it");
          }
          return HttpResponse.created(
              define(definition, request),
              URI.create(request.getPath().replaceFirst("/$", "") + "/" + task.taskId()));
        });
  }

  /**
   * Defines a task, or replaces its whole definition: what is left out gets its default, and the
   * examples of labels that are left out are set aside until a definition has the label again.
   * PATCH changes parts.
   */
  @Put("/{taskId}")
  @Secured(ADMIN_NAME)
  @ApiResponse(responseCode = "200", description = "Changed; the definition is in its topic.")
  @ApiResponse(responseCode = "201", description = "New; the definition is in its topic.")
  HttpResponse<TaskView> put(
      @PathVariable @Pattern(regexp = TaskInput.ID, message = TaskInput.ID_IN_WORDS) String taskId,
      @Valid @Body TaskInput task,
      HttpRequest<?> request) {
    requireSameId(taskId, task);
    TaskDefinition definition = task.toRecord(taskId);
    return change(
        taskId,
        () -> {
          boolean known = tasks.view().definitions().find(taskId).isPresent();
          TaskView defined = define(definition, request);
          return known ? HttpResponse.ok(defined) : HttpResponse.created(defined);
        });
  }

  /**
   * Changes parts of a definition by a JSON merge patch (RFC 7396): what is left out stays, and
   * null sets a field back to its default. Labels replace the list; each is merged with the known
   * label of its name, so that one given by name alone keeps its verbalizer and description.
   */
  @Patch(
      value = "/{taskId}",
      consumes = {MediaType.APPLICATION_JSON, MediaType.APPLICATION_JSON_MERGE_PATCH})
  @Secured(ADMIN_NAME)
  @RequestBody(
      content = {
        @Content(
            mediaType = MediaType.APPLICATION_JSON,
            schema = @Schema(implementation = TaskInput.class)),
        @Content(
            mediaType = MediaType.APPLICATION_JSON_MERGE_PATCH,
            schema = @Schema(implementation = TaskInput.class))
      })
  @ApiResponse(responseCode = "200", description = "Changed; the definition is in its topic.")
  @ApiResponse(responseCode = "404", description = "No such task; PUT defines it.")
  @ApiResponse(responseCode = "409", description = "The definition that is there cannot be read.")
  TaskView patch(@PathVariable String taskId, @Body JsonNode patch, HttpRequest<?> request) {
    patches.require(patch);
    return change(
        taskId,
        () -> {
          Defined known = tasks.require(taskId);
          TaskDefinition written =
              known
                  .written()
                  .orElseThrow(
                      () ->
                          new ProblemException(
                              HttpStatus.CONFLICT,
                              "the definition of '"
                                  + taskId
                                  + "' cannot be read, so nothing of it can be kept ("
                                  + known.problem().orElse("no reason is known")
                                  + "); PUT replaces it"));
          TaskInput changed = patches.apply(written, patch);
          requireSameId(taskId, changed);
          return define(changed.toRecord(taskId), request);
        });
  }

  private <T> T change(String taskId, Supplier<T> change) {
    Lock lock = changing[Math.floorMod(taskId.hashCode(), changing.length)];
    lock.lock();
    try {
      return change.get();
    } finally {
      lock.unlock();
    }
  }

  private static void requireSameId(String taskId, TaskInput task) {
    if (task.taskId() != null && !task.taskId().equals(taskId)) {
      throw ProblemException.field("taskId", "the path says '" + taskId + "'");
    }
  }

  private TaskView define(TaskDefinition definition, HttpRequest<?> request) {
    String taskId = definition.getTaskId();
    try {
      inference.check(TaskDefinitions.modelOf(definition));
    } catch (InferenceException e) {
      throw ProblemException.field(fieldOf(definition), e.getMessage());
    }
    RecordMetadata at =
        writer.send(definitions, taskId, List.of(definition), Caller.trace(request)).get(0);
    awaitShown(at);
    return tasks.show(
        tasks
            .view()
            .definitions()
            .find(taskId)
            .orElseThrow(
                () ->
                    new ProblemException(
                        HttpStatus.CONFLICT, "the task was retired by someone at the same time")));
  }

  /** Why the model cannot answer a definition: where it starts, or what it answers. */
  private String fieldOf(TaskDefinition definition) {
    try {
      inference.check(
          TaskDefinitions.modelOf(TaskDefinition.newBuilder(definition).clearInitFrom().build()));
      return "initFrom";
    } catch (InferenceException e) {
      return definition.getKind() == TaskKind.CLASSIFICATION ? "labels" : "kind";
    }
  }

  /** Retires a task: its requests become dead letters, its examples are erased. */
  @Delete("/{taskId}")
  @Secured(ADMIN_NAME)
  @ApiResponse(responseCode = "202", description = "The tombstone is in the definitions' topic.")
  HttpResponse<Retired> retire(@PathVariable String taskId, HttpRequest<?> request) {
    return change(
        taskId,
        () -> {
          tasks.require(taskId);
          awaitShown(writer.erase(definitions, taskId, Caller.trace(request)));
          return HttpResponse.accepted().body(new Retired(taskId));
        });
  }

  /** So that whoever asks this process next sees it. Where the view ages, later. */
  private void awaitShown(RecordMetadata at) {
    try {
      TopicView view = tasks.view();
      view.awaitRecord(new TopicPartition(at.topic(), at.partition()), at.offset(), SHOWN_WITHIN);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A task that is no more. */
  @Serdeable
  record Retired(String taskId) {}
}
