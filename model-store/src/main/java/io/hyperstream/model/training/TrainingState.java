package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where training stands: everything a run needs to go on after a kill as if nothing had happened,
 * in one file that is replaced as a whole. Random numbers are functions of seed and position, so
 * positions are enough.
 */
final class TrainingState {
  private static final String STATE = "state.safetensors";
  private static final String BEST = "best.safetensors";

  private final Path folder;
  private final String run;
  private final TrainingModel model;
  private final AdamW optimiser;

  int step;
  double best = Double.NEGATIVE_INFINITY;
  int bestStep;
  int evaluationsSinceBest;
  double lossSum; // since the last evaluation
  long lossTokens;
  final long[] positions; // of each task's plan when the window of batches was drawn
  long window; // which window it is
  int used; // batches taken of it

  /**
   * @param run describes data and settings: a state of another run is refused
   */
  TrainingState(Path folder, String run, TrainingModel model, AdamW optimiser, int tasks) {
    this.folder = folder;
    this.run = run;
    this.model = model;
    this.optimiser = optimiser;
    positions = new long[tasks];
  }

  /** Writes weights, moments and positions. */
  void save() throws IOException {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("run", run)
            .metadata("step", Integer.toString(step))
            .metadata("best", Double.toString(best))
            .metadata("bestStep", Integer.toString(bestStep))
            .metadata("evaluationsSinceBest", Integer.toString(evaluationsSinceBest))
            .metadata("lossSum", Double.toString(lossSum))
            .metadata("lossTokens", Long.toString(lossTokens))
            .metadata("window", Long.toString(window))
            .metadata("used", Integer.toString(used))
            .metadata(
                "positions",
                Arrays.stream(positions).mapToObj(Long::toString).collect(Collectors.joining(",")));
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      model.parameters().forEach(p -> writer.stream("parameter." + p.id(), p.value()));
      optimiser.save(writer);
      writer.write(folder.resolve(STATE));
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Whether a folder has a state to go on from. */
  static boolean isIn(Path folder) {
    return Files.exists(folder.resolve(STATE));
  }

  /** Takes up a saved state, if there is one. */
  boolean restore() throws IOException {
    if (!isIn(folder)) {
      return false;
    }
    Path file = folder.resolve(STATE);
    Safetensors source = Safetensors.open(file);
    Map<String, String> saved = source.metadata();
    if (!run.equals(saved.get("run"))) {
      throw new CheckpointException(
          file
              + " is of another run; repeat its settings, choose another folder or delete it: "
              + difference(saved.get("run")));
    }
    step = Integer.parseInt(saved.get("step"));
    best = Double.parseDouble(saved.get("best"));
    bestStep = Integer.parseInt(saved.get("bestStep"));
    evaluationsSinceBest = Integer.parseInt(saved.get("evaluationsSinceBest"));
    lossSum = Double.parseDouble(saved.get("lossSum"));
    lossTokens = Long.parseLong(saved.get("lossTokens"));
    window = Long.parseLong(saved.get("window"));
    used = Integer.parseInt(saved.get("used"));
    String[] at = saved.get("positions").split(",", -1);
    for (int i = 0; i < positions.length; i++) {
      positions[i] = Long.parseLong(at[i]);
    }
    load(source, "parameter.");
    optimiser.restore(model.parameters(), source, saved);
    return true;
  }

  private String difference(String other) {
    String[] theirs = String.valueOf(other).split("[ ,\\[\\]]+", -1);
    String[] ours = run.split("[ ,\\[\\]]+", -1);
    int same = Arrays.mismatch(theirs, ours);
    return "it has "
        + (same < theirs.length ? theirs[same] : "no more")
        + ", this run "
        + (same < ours.length ? ours[same] : "no more");
  }

  private void load(Safetensors source, String prefix) {
    try (NDManager reading = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      for (Parameter parameter : model.parameters()) {
        long[] shape = parameter.value().getShape().getShape();
        NDArray values = source.read(reading, prefix + parameter.id(), shape);
        Autograd.assign(parameter.value(), values);
      }
    }
  }

  /** Keeps the present weights as the best. */
  void saveBest() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("step", Integer.toString(step));
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      model.parameters().forEach(p -> writer.stream("parameter." + p.id(), p.value()));
      writer.write(folder.resolve(BEST));
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Puts the best weights back into the model. */
  void loadBest() throws IOException {
    load(Safetensors.open(folder.resolve(BEST)), "parameter.");
  }
}
