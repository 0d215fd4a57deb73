package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.LabelJson;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Writes a trained model as a folder that can be imported: {@code backbone/}, {@code hypernetwork/}
 * (with T5's norms, where only these were trained of it) and {@code tasks.json}.
 */
final class ModelExport {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final ModelSource source;
  private final TrainingModel model;
  private final boolean wholeBackbone;

  ModelExport(ModelSource source, TrainingModel model, Trainable trainable) {
    this.source = source;
    this.model = model;
    wholeBackbone = trainable.backbone() || source.adapters().isEmpty();
  }

  /**
   * @param validation what each task reached, by task and metric
   * @param test the same on rows nothing was chosen by
   */
  void write(
      Path folder,
      List<TaskData> tasks,
      Map<String, Map<String, Double>> validation,
      Map<String, Map<String, Double>> test)
      throws IOException {
    Path backbone = Files.createDirectories(folder.resolve(Manifest.BACKBONE));
    HuggingFaceLayout from = source.folder();
    copy(from.config(), backbone.resolve(HuggingFaceLayout.CONFIG));
    copy(source.tokenizer(), backbone.resolve(source.family().files().get(0)));
    if (!wholeBackbone) {
      for (Path file : from.files()) {
        if (!file.equals(from.config()) && !file.equals(source.tokenizer())) {
          copy(file, backbone.resolve(from.directory().relativize(file)));
        }
      }
    }
    Map<String, Parameter> trained = new TreeMap<>();
    for (Parameter parameter : model.parameters()) {
      parameter.names().forEach(name -> trained.put(name, parameter));
    }
    if (wholeBackbone) {
      writeBackbone(backbone.resolve(HuggingFaceLayout.WEIGHTS), trained);
    }
    if (source.adapters().isPresent()) {
      writeAdapters(folder.resolve(Manifest.HYPERNETWORK), source.adapters().get(), trained);
    }
    writeTasks(folder.resolve(Manifest.TASKS), tasks, validation, test);
  }

  private static void copy(Path file, Path target) throws IOException {
    Files.createDirectories(target.getParent()); // pooling files lie in a folder of their own
    Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
  }

  private void writeBackbone(Path file, Map<String, Parameter> trained) throws IOException {
    try (NDManager reading = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String name : source.backbone().names()) {
        if (!Trainable.isAdapter(name)) {
          add(writer, reading, name, trained.get(name));
        }
      }
      writer.write(file);
    }
  }

  private void writeAdapters(Path folder, AdapterConfig config, Map<String, Parameter> trained)
      throws IOException {
    Files.createDirectories(folder);
    Set<String> names = new TreeSet<>(source.adapterWeights().names());
    if (wholeBackbone) {
      names.removeIf(name -> !Trainable.isAdapter(name));
    } else {
      names.addAll(trained.keySet());
    }
    try (NDManager reading = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      SafetensorsWriter writer = new SafetensorsWriter();
      names.forEach(name -> add(writer, reading, name, trained.get(name)));
      writer.write(folder.resolve(Manifest.HYPERNETWORK_WEIGHTS));
    }
    MAPPER
        .writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve(Manifest.ADAPTER_CONFIG).toFile(), json(config));
  }

  /** One tensor: trained, perhaps a part of a stack, or as it was. */
  private void add(SafetensorsWriter writer, NDManager reading, String name, Parameter parameter) {
    if (parameter == null) {
      boolean adapter = Trainable.isAdapter(name);
      writer.stream(
          name, (adapter ? source.adapterWeights() : source.backbone()).read(reading, name));
      return;
    }
    NDArray value = parameter.value();
    int parts = parameter.names().size();
    if (parts > 1) {
      long rows = value.getShape().get(0) / parts;
      int part = parameter.names().indexOf(name);
      value = Ops.slice(value, 0, part * rows, (part + 1) * rows);
    }
    writer.stream(name, value);
  }

  static ObjectNode json(AdapterConfig config) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("kind", config.kind() == AdapterConfig.Kind.PLAIN ? "adapter" : "meta-adapter");
    json.put(
        "efficient_unique_hyper_net", config.kind() == AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS);
    json.put("unique_hyper_net", config.kind() == AdapterConfig.Kind.HYPERFORMER);
    json.put("reduction_factor", config.reductionFactor());
    json.put("task_embedding_dim", config.taskEmbeddingDim());
    json.put("projected_task_embedding_dim", config.projectedDim());
    json.put("task_hidden_dim", config.hiddenDim());
    json.put("non_linearity", config.activation().configName());
    json.put("conditional_layer_norm", config.conditionalNorm());
    json.put("unique_hyper_net_layer_norm", config.normalizedInput());
    json.put("add_layer_norm_before_adapter", config.normBefore());
    json.put("add_layer_norm_after_adapter", config.normAfter());
    if (config.firstLayer() > 0) {
      json.put("first_layer", config.firstLayer());
    }
    ArrayNode tasks = json.putArray("tasks");
    config.tasks().forEach(tasks::add);
    return json;
  }

  private static void writeTasks(
      Path file,
      List<TaskData> tasks,
      Map<String, Map<String, Double>> validation,
      Map<String, Map<String, Double>> test)
      throws IOException {
    ArrayNode list = MAPPER.createArrayNode();
    for (TaskData data : tasks) {
      ObjectNode node = list.addObject();
      node.put("taskId", data.task().taskId());
      node.put("kind", data.task().kind().name());
      ArrayNode labels = node.putArray("labels");
      data.task().labels().forEach(label -> labels.add(LabelJson.write(label)));
      node.put("template", data.task().template().pattern());
      node.put("description", data.task().description());
      Map<String, Double> tested = test.getOrDefault(data.task().taskId(), Map.of());
      if (tested.containsKey(Metric.ACCURACY.key())) {
        node.put("testAccuracy", tested.get(Metric.ACCURACY.key()));
        node.put("testExamples", data.test().size());
      }
      validation
          .getOrDefault(data.task().taskId(), Map.of())
          .forEach((metric, value) -> node.put("validation_" + metric, value));
      tested.forEach((metric, value) -> node.put("test_" + metric, value));
    }
    MAPPER.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), list);
  }
}
