package io.hyperstream.model.inference;

import ai.djl.Device;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.InspectedTensors;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Opens a model as serving does, looks all its values through and answers a text and a pair, so
 * that what cannot be served is not stored. One thread.
 */
final class ModelTrial {
  private static final String TASK = "import-trial";

  private final Path backbone;
  private final List<InspectedTensors> tensors = new ArrayList<>();

  private ModelTrial(Path backbone) {
    this.backbone = backbone;
  }

  /**
   * Does nothing if the model can be served.
   *
   * @throws IOException in a sentence that says what is wrong with which file
   */
  static void run(Path backbone, Optional<Path> hypernetwork, ModelCard card) throws IOException {
    try {
      new ModelTrial(backbone).run(hypernetwork, card);
    } catch (CheckpointException | InferenceException e) {
      throw new IOException(e.getMessage(), e);
    } catch (RuntimeException e) { // of a library, about something that no check foresaw
      throw new IOException(
          "the model in %s cannot be opened: %s".formatted(backbone, e.getMessage()), e);
    }
  }

  private void run(Optional<Path> hypernetwork, ModelCard card) throws IOException {
    ModelOptions options = ModelOptions.DEFAULT;
    LoadedModel loaded =
        LoadedModel.open(
            backbone,
            hypernetwork,
            Optional.of(Device.cpu()),
            options.readouts(card),
            this::inspected);
    try (MultiTaskModel model = MultiTaskModel.of(TASK, loaded, options)) {
      tensors.get(0).requireNoFurtherLayer();
      tensors.stream().skip(1).forEach(InspectedTensors::requireAllFinite);
      loaded.adapters().ifPresent(ModelTrial::makeAll);
      answer(model, loaded, Optional.empty());
      answer(model, loaded, Optional.of("2 3"));
    }
  }

  private TensorSource inspected(TensorSource source) {
    InspectedTensors inspected = new InspectedTensors(source);
    tensors.add(inspected);
    return inspected;
  }

  /** Adapters that are read from the file by name are otherwise not looked at before a request. */
  private static void makeAll(AdapterFactory factory) {
    if (factory.config().kind() == AdapterConfig.Kind.PLAIN) {
      for (String task : factory.config().tasks()) {
        factory.make(List.of(new AdapterForm.Named(task))).forEach(AdapterWeights::close);
      }
    }
  }

  /** In digits, which tokenizers of all languages have. */
  private void answer(MultiTaskModel model, LoadedModel loaded, Optional<String> textPair)
      throws IOException {
    TaskDefinition task = TaskDefinition.classification(TASK, List.of("1", "2"));
    PreparedRow row = model.prepare(task, adapter(model, loaded, task), "1 2 3", textPair);
    if (model.predict(List.of(row)).get(0) instanceof RowFailure) {
      throw new IOException(
          "%s: every weight is a finite number, but the answer to a first text is not: numbers become too large on the way. Is config.json (activation, norms, heads) of these weights?"
              .formatted(backbone));
    }
  }

  private static TaskAdapter adapter(
      MultiTaskModel model, LoadedModel loaded, TaskDefinition task) {
    List<String> known =
        loaded.adapters().map(AdapterFactory::config).map(AdapterConfig::tasks).orElse(List.of());
    return known.isEmpty()
        ? model.startingAdapter(task)
        : model.startingAdapter(TaskDefinition.classification(known.get(0), List.of("1", "2")));
  }
}
