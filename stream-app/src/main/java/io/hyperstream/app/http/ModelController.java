package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.READ_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.ModelInspection;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;

/** What answers here. */
@Controller("/api/model")
@ExecuteOn(HttpThreads.NAME)
@Tag(name = "model")
class ModelController {
  private final ServedModel model;
  private final ModelSettings settings;
  private final RoleSettings roles;

  ModelController(ServedModel model, ModelSettings settings, RoleSettings roles) {
    this.model = model;
    this.settings = settings;
    this.roles = roles;
  }

  /**
   * The model and the process it is in.
   *
   * @param name null, as all that its files would say, where it is not made from files
   * @param threads of the device's arithmetic
   */
  @Serdeable
  @Schema(name = "Model")
  record ModelView(
      String modelId,
      @Nullable String name,
      @Nullable Integer version,
      @Nullable Backbone backbone,
      @Nullable Adapters adapters,
      String device,
      int threads,
      List<SourceTaskView> sourceTasks,
      List<String> roles,
      long uptimeSeconds,
      String applicationVersion) {}

  /**
   * The frozen model.
   *
   * @param maxSourceTokens how many tokens of a text it reads at once; a task's overLength says
   *     what happens to a longer one
   */
  @Serdeable
  record Backbone(
      String architecture,
      long parameters,
      int maxSourceTokens,
      int encoderLayers,
      int decoderLayers,
      int width,
      int heads,
      int vocabulary) {}

  /**
   * What makes a task's adapters.
   *
   * @param trainedParameters what training changes, of all tasks together
   * @param bytesPerColdTask what a task costs that is not in use
   * @param bytesPerResidentTask what its generated weights cost while it is
   */
  @Serdeable
  record Adapters(
      String kind,
      int taskEmbeddingDim,
      int bottleneck,
      long trainedParameters,
      long bytesPerColdTask,
      long bytesPerResidentTask) {}

  /** A task it was trained on. */
  @Serdeable
  @Schema(name = "SourceTask")
  record SourceTaskView(
      String taskId, String kind, String description, @Nullable Double testAccuracy) {}

  /** What answers here. */
  @Get
  @Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
  ModelView get() {
    String modelId =
        model.modelId().orElseThrow(() -> ProblemException.notNow("the model is not loaded yet"));
    Optional<ModelInspection> files = model.inspection();
    return new ModelView(
        modelId,
        files.map(read -> read.model().name()).orElse(null),
        files.map(read -> read.model().version()).orElse(null),
        files.map(this::backbone).orElse(null),
        files.flatMap(ModelController::adapters).orElse(null),
        device(),
        settings.threads() > 0
            ? settings.threads()
            : Math.max(1, Runtime.getRuntime().availableProcessors() / 2),
        files.map(ModelController::sourceTasks).orElse(List.of()),
        roles.roles().stream().sorted().toList(),
        ManagementFactory.getRuntimeMXBean().getUptime() / 1000,
        Optional.ofNullable(ModelController.class.getPackage().getImplementationVersion())
            .orElse("unpackaged"));
  }

  /** Where PyTorch sees a GPU it is used. */
  private static String device() {
    return ai.djl.engine.Engine.hasEngine("PyTorch")
        ? ai.djl.engine.Engine.getEngine("PyTorch").defaultDevice().toString()
        : "cpu";
  }

  private Backbone backbone(ModelInspection read) {
    BackboneShape shape = read.shape();
    return new Backbone(
        read.family(),
        read.parameters().backbone(),
        settings.maxSourceTokens() > 0
            ? settings.maxSourceTokens()
            : read.model().manifest().card().maxSourceTokens(),
        shape.layers(Stack.ENCODER),
        shape.layers(Stack.DECODER),
        shape.width(),
        ((Number) read.details().get("heads")).intValue(),
        shape.vocabulary());
  }

  private static Optional<Adapters> adapters(ModelInspection read) {
    return read.adapters()
        .map(
            (AdapterConfig config) ->
                new Adapters(
                    config.kind().name(),
                    config.taskEmbeddingDim(),
                    config.bottleneck(read.shape().width()),
                    read.parameters().trained(),
                    read.bytesPerColdTask(),
                    read.bytesPerResidentTask()));
  }

  private static List<SourceTaskView> sourceTasks(ModelInspection read) {
    return read.tasks().stream()
        .map(
            task ->
                new SourceTaskView(
                    task.definition().taskId(),
                    task.definition().kind().name(),
                    task.definition().description(),
                    task.testAccuracy().isPresent() ? task.testAccuracy().getAsDouble() : null))
        .toList();
  }
}
