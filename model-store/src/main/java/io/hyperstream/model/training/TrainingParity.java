package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compares gradients and optimiser steps with a fixture of the published implementation. Gradients
 * may differ by {@value #GRADIENT_TOLERANCE} of the largest value of their tensor; what a parameter
 * moved in n steps by {@value #STEP_TOLERANCE} times the learning rate times n. A few outliers are
 * let pass and counted, because rounding decides them: a gradient that is all but zero is a full
 * AdamW step either way, and a ReLU at its kink changes a row of its weights and a little of
 * everything below. At most one value in {@value #OUTLIERS_PER_RUN} of a run and one in {@value
 * #OUTLIERS_PER_TENSOR} of a tensor.
 */
public final class TrainingParity {
  static final double GRADIENT_TOLERANCE = 1e-4;
  static final double STEP_TOLERANCE = 1e-2;
  static final int OUTLIERS_PER_RUN = 200;
  static final int OUTLIERS_PER_TENSOR = 8;

  private static final Pattern AFTER = Pattern.compile("(after(\\d+)(_none|_linear|))\\.(.+)");
  private static final Pattern LINEAR = Pattern.compile("linear_warmup(\\d+)_total(\\d+)");

  /**
   * One compared tensor or number.
   *
   * @param maxAbsDiff largest absolute difference; infinite if one side is missing
   * @param outliers values beyond the tolerance that were let pass
   */
  public record Comparison(String check, double maxAbsDiff, boolean pass, int outliers) {}

  private final JsonNode json;
  private final T5Config config;
  private final Optional<AdapterConfig> adapters;
  private final TensorSource weights;
  private final TensorSource expected;
  private final List<String> tasks = new ArrayList<>();
  private final List<Comparison> results = new ArrayList<>();

  private TrainingParity(JsonNode json, TensorSource weights, TensorSource expected) {
    this.json = json;
    this.weights = weights;
    this.expected = expected;
    config = T5Config.fromJson(json.path("t5"));
    json.path("tasks").forEach(task -> tasks.add(task.asText()));
    adapters =
        json.hasNonNull("adapter_kind")
            ? Optional.of(
                AdapterConfig.fromJson(
                    json.path("adapter"), json.path("adapter_kind").asText(), tasks))
            : Optional.empty();
  }

  /**
   * Runs every comparison there is reference for.
   *
   * @param json the fixture's manifest
   * @param train parameters after steps; empty if the fixture has none
   * @throws CheckpointException if the fixture is damaged
   */
  public static List<Comparison> run(
      JsonNode json, TensorSource weights, TensorSource expected, Optional<TensorSource> train) {
    TrainingParity parity = new TrainingParity(json, weights, expected);
    boolean recording = Ops.setRecording(true);
    try {
      for (JsonNode task : json.path("gradients_recorded_for")) {
        parity.gradients(task.asText());
      }
      train.ifPresent(parity::steps);
      return parity.results;
    } finally {
      Ops.setRecording(recording);
    }
  }

  private TrainingModel model() {
    Trainable trainable = adapters.isPresent() ? Trainable.ADAPTERS : Trainable.EVERYTHING;
    return T5Training.load(config, weights, adapters, weights, trainable);
  }

  private void gradients(String task) {
    try (TrainingModel model = model();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      TrainingBatch batch = batch(task);
      NDArray loss = model.loss(batch, smoothing(), 0);
      Autograd.backward(loss);
      String prefix = "grad." + task + ".";
      Set<String> left = new HashSet<>();
      expected.names().stream().filter(n -> n.startsWith(prefix)).forEach(left::add);
      for (Parameter parameter : model.parameters()) {
        NDArray gradient =
            TrainingModel.participates(batch.tasks()).test(parameter)
                ? Autograd.gradient(parameter.value())
                : null;
        List<float[]> parts = split(gradient, parameter.names().size());
        for (int i = 0; i < parts.size(); i++) {
          String name = prefix + parameter.names().get(i);
          if (left.remove(name) || parts.get(i) != null) {
            compareGradient(name, parts.get(i));
          }
        }
      }
      left.forEach(name -> compareGradient(name, null));
    }
  }

  private void compareGradient(String name, float[] ours) {
    float[] reference = expected.has(name) ? floats(expected, name) : null;
    if (ours == null || reference == null || ours.length != reference.length) {
      results.add(new Comparison(name, Double.POSITIVE_INFINITY, false, 0));
      return;
    }
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < ours.length; i++) {
      largest = Math.max(largest, Math.abs(reference[i]));
      worst = Math.max(worst, difference(ours[i], reference[i]));
    }
    results.add(new Comparison(name, worst, worst <= GRADIENT_TOLERANCE * largest, 0));
  }

  /** All runs of optimiser steps the file has: after1, after3, after3_none, after5_linear .. */
  private void steps(TensorSource train) {
    Map<String, Map<Integer, Set<String>>> runs = new HashMap<>(); // suffix -> step -> names
    for (String name : train.names()) {
      Matcher after = AFTER.matcher(name);
      if (!after.matches()) {
        throw new CheckpointException(train.origin() + " has an unknown tensor '" + name + "'");
      }
      runs.computeIfAbsent(after.group(3), k -> new HashMap<>())
          .computeIfAbsent(Integer.valueOf(after.group(2)), k -> new HashSet<>())
          .add(after.group(4));
    }
    runs.forEach((suffix, after) -> run(suffix, after, train));
  }

  private void run(String suffix, Map<Integer, Set<String>> after, TensorSource train) {
    Map.Entry<String, JsonNode> log = log(suffix);
    JsonNode steps = log.getValue().path("steps");
    AdamW.Unused unused =
        suffix.equals("_none") ? AdamW.Unused.SKIP : AdamW.Unused.KEEP_ZERO_GRADIENT;
    int last = Collections.max(after.keySet());
    double highest = 0;
    try (TrainingModel model = model();
        AdamW optimiser = new AdamW(AdamW.Config.paper().with(unused))) {
      for (int step = 0; step < last; step++) {
        JsonNode expectation = steps.path(step);
        double rate = rate(log.getKey(), step, expectation.path("lr").asDouble());
        highest = Math.max(highest, rate);
        step(model, optimiser, expectation, rate, "train." + log.getKey() + "." + (step + 1));
        if (after.containsKey(step + 1)) {
          String prefix = "after" + (step + 1) + suffix + ".";
          compareUpdates(model, prefix, after.get(step + 1), train, highest * (step + 1));
        }
      }
    }
  }

  private Map.Entry<String, JsonNode> log(String suffix) {
    for (Map.Entry<String, JsonNode> entry : json.path("train").properties()) {
      boolean matches =
          switch (suffix) {
            case "_none" -> entry.getKey().equals("constant_unused_grad_none");
            case "_linear" -> LINEAR.matcher(entry.getKey()).matches();
            default -> entry.getKey().equals("constant");
          };
      if (matches) {
        return entry;
      }
    }
    throw new CheckpointException("the manifest's 'train' has no log of the run 'afterN" + suffix);
  }

  /** By our own schedule where the log names one, checked against its rates. */
  private double rate(String run, int step, double logged) {
    Matcher linear = LINEAR.matcher(run);
    if (!linear.matches()) {
      return logged;
    }
    int warmUp = Integer.parseInt(linear.group(1));
    int total = Integer.parseInt(linear.group(2));
    double peak = 0;
    for (JsonNode s : json.path("train").path(run).path("steps")) {
      peak = Math.max(peak, s.path("lr").asDouble());
    }
    double rate = Schedule.linear(peak, warmUp, total).at(step);
    double diff = Math.abs(rate - logged);
    results.add(new Comparison("train." + run + "." + (step + 1) + ".lr", diff, diff <= 1e-12, 0));
    return rate;
  }

  private void step(
      TrainingModel model, AdamW optimiser, JsonNode expectation, double rate, String check) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      TrainingBatch batch = batch(expectation.path("task").asText());
      NDArray loss = model.loss(batch, smoothing(), 0);
      Autograd.backward(loss);
      double norm =
          optimiser.step(model.parameters(), TrainingModel.participates(batch.tasks()), rate);
      compareNumber(check + ".loss", loss.getFloat(), expectation.path("loss"));
      compareNumber(check + ".grad_norm", norm, expectation.path("grad_norm_before_clip"));
    }
  }

  private void compareNumber(String check, double ours, JsonNode reference) {
    if (reference.isNumber()) {
      double diff = difference(ours, reference.asDouble());
      boolean pass = diff <= GRADIENT_TOLERANCE * Math.max(1, Math.abs(reference.asDouble()));
      results.add(new Comparison(check, diff, pass, 0));
    }
  }

  private void compareUpdates(
      TrainingModel model, String prefix, Set<String> names, TensorSource train, double moved) {
    Set<String> left = new HashSet<>(names);
    int values = 0;
    int outliers = 0;
    for (Parameter parameter : model.parameters()) {
      List<float[]> parts = split(parameter.value(), parameter.names().size());
      for (int i = 0; i < parts.size(); i++) {
        String name = parameter.names().get(i);
        if (left.remove(name)) {
          float[] reference = floats(train, prefix + name);
          Comparison result =
              compareUpdate(prefix + name, parts.get(i), reference, STEP_TOLERANCE * moved);
          results.add(result);
          values += reference.length;
          outliers += result.outliers();
        }
      }
    }
    left.forEach(
        name -> results.add(new Comparison(prefix + name, Double.POSITIVE_INFINITY, false, 0)));
    boolean few = outliers <= values / OUTLIERS_PER_RUN;
    results.add(new Comparison(prefix + "outliers", outliers, few, outliers));
  }

  /** Differences of updates are differences of values: both started from the same weights. */
  private static Comparison compareUpdate(
      String check, float[] ours, float[] reference, double tolerance) {
    if (ours.length != reference.length) {
      return new Comparison(check, Double.POSITIVE_INFINITY, false, 0);
    }
    double worst = 0;
    int outliers = 0;
    for (int i = 0; i < ours.length; i++) {
      double diff = difference(ours[i], reference[i]);
      worst = Math.max(worst, diff);
      // A value cannot be closer than its own precision.
      if (diff > Math.max(tolerance, Math.ulp(reference[i]))) {
        outliers++;
      }
    }
    boolean pass = outliers <= ours.length / OUTLIERS_PER_TENSOR && Double.isFinite(worst);
    return new Comparison(check, worst, pass, outliers);
  }

  private static double difference(double a, double b) {
    double diff = Math.abs(a - b);
    return Double.isNaN(diff) ? Double.POSITIVE_INFINITY : diff;
  }

  private double smoothing() {
    return json.path("label_smoothing").asDouble();
  }

  /** A fixture's batch: of a task's name, or {@code mixed}. */
  private TrainingBatch batch(String task) {
    String prefix = task.equals("mixed") ? "mixed." : "batch." + task + ".";
    int[][] ids = rows(prefix + "input_ids");
    int[][] mask = rows(prefix + "attention_mask");
    int[][] inputs = new int[ids.length][];
    for (int i = 0; i < ids.length; i++) {
      int length = 0;
      while (length < mask[i].length && mask[i][length] != 0) {
        length++;
      }
      inputs[i] = java.util.Arrays.copyOf(ids[i], length);
    }
    List<String> ofRows = Collections.nCopies(ids.length, task);
    if (task.equals("mixed")) {
      ofRows = new ArrayList<>();
      for (float index : floats(expected, "mixed.task_index")) {
        ofRows.add(tasks.get((int) index));
      }
    }
    return new TrainingBatch(ofRows, inputs, rows(prefix + "labels"));
  }

  private int[][] rows(String name) {
    long[] shape = expected.info(name).shape();
    float[] flat = floats(expected, name);
    int[][] out = new int[(int) shape[0]][(int) shape[1]];
    for (int i = 0; i < flat.length; i++) {
      out[i / out[0].length][i % out[0].length] = (int) flat[i];
    }
    return out;
  }

  private static float[] floats(TensorSource source, String name) {
    try (NDManager reading = Ops.newManager();
        NDArray array = source.read(reading, name);
        NDArray floats = array.toType(DataType.FLOAT32, true)) {
      return floats.toFloatArray();
    }
  }

  /** The equal parts of a stacked tensor; nulls if there is none. */
  private static List<float[]> split(NDArray array, int parts) {
    if (array == null) {
      return Collections.nCopies(parts, null);
    }
    float[] all = array.toFloatArray();
    List<float[]> out = new ArrayList<>();
    int each = all.length / parts;
    for (int i = 0; i < parts; i++) {
      out.add(java.util.Arrays.copyOfRange(all, i * each, (i + 1) * each));
    }
    return out;
  }
}
