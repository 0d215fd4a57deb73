package io.hyperstream.model.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.evaluation.ParityReport.Check;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.Generated;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One fixture: its model, and every expectation in it compared. */
final class FixtureModel implements AutoCloseable {
  private static final String MIXED = "mixed";

  private final String name;
  private final JsonNode json;
  private final Safetensors weights;
  private final Safetensors expected;
  private final T5Config config;
  private final T5 t5;
  private final AdapterFactory factory; // null: no adapters
  private final Map<String, AdapterWeights> adapters = new LinkedHashMap<>();
  private final List<Check> checks = new ArrayList<>();
  private final Set<String> covered = new HashSet<>();

  private FixtureModel(String name, JsonNode json, Safetensors weights, Safetensors expected) {
    this.name = name;
    this.json = json;
    this.weights = weights;
    this.expected = expected;
    config = T5Config.fromJson(json.path("t5"));
    t5 = T5.load(config, weights);
    AdapterConfig adapterConfig = adapterConfig(json);
    factory =
        adapterConfig == null ? null : AdapterFactory.load(config.shape(), adapterConfig, weights);
    List<String> tasks = tasks(json);
    List<AdapterWeights> made =
        factory == null
            ? Collections.nCopies(tasks.size(), AdapterWeights.NONE)
            : factory.make(tasks.stream().map(this::form).toList());
    for (int i = 0; i < made.size(); i++) {
      adapters.put(tasks.get(i), made.get(i));
    }
  }

  static FixtureModel open(Path manifest, String name, JsonNode json) throws IOException {
    Safetensors weights = Safetensors.open(manifest.resolveSibling(name + ".weights.safetensors"));
    Safetensors expected =
        Safetensors.open(manifest.resolveSibling(name + ".expected.safetensors"));
    return new FixtureModel(name, json, weights, expected);
  }

  private static List<String> tasks(JsonNode json) {
    List<String> tasks = new ArrayList<>();
    json.path("tasks").forEach(task -> tasks.add(task.asText()));
    return tasks;
  }

  private static AdapterConfig adapterConfig(JsonNode json) {
    return json.hasNonNull("adapter_kind")
        ? AdapterConfig.fromJson(
            json.path("adapter"), json.path("adapter_kind").asText(), tasks(json))
        : null;
  }

  private AdapterForm form(String task) {
    return factory.config().kind() == AdapterConfig.Kind.PLAIN
        ? new AdapterForm.Named(task)
        : new AdapterForm.Embedding(factory.taskEmbeddings().get(task));
  }

  /** Compares everything. */
  ParityReport.Fixture check() {
    for (Map.Entry<String, JsonNode> batch : json.path("batches").properties()) {
      String task = batch.getKey();
      AdapterWeights weightsOfTask = adapters.get(task);
      if (weightsOfTask == null) {
        throw new CheckpointException(
            name + ".json has a batch of the unknown task '" + task + "'");
      }
      checkBatch("batch." + task + ".", rows -> Collections.nCopies(rows, weightsOfTask));
    }
    if (expected.has(MIXED + ".input_ids")) {
      checkBatch(MIXED + ".", rows -> mixedRows());
    }
    expected.names().stream().filter(n -> n.startsWith("adapter.")).forEach(this::checkAdapter);
    checkParameterCounts();
    return new ParityReport.Fixture(name, checks, notCovered());
  }

  private List<AdapterWeights> mixedRows() {
    List<String> tasks = tasks(json);
    List<AdapterWeights> rows = new ArrayList<>();
    for (long task : longs(MIXED + ".task_index")) {
      rows.add(adapters.get(tasks.get((int) task)));
    }
    return rows;
  }

  /** The adapters of a batch of so many rows. */
  private interface RowAdapters {
    List<AdapterWeights> of(int rows);
  }

  private void checkBatch(String prefix, RowAdapters rowAdapters) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray ids = read(prefix + "input_ids");
      NDArray mask = read(prefix + "attention_mask").toType(DataType.FLOAT32, false);
      int rows = (int) ids.getShape().get(0);
      try (BatchAdapters batch = BatchAdapters.of(rowAdapters.of(rows))) {
        NDArray encoded = t5.encode(ids, mask, batch);
        NDArray reference = read(prefix + "encoder_last_hidden");
        compare(prefix + "encoder_last_hidden", ofTokens(encoded, reference, mask));
        CrossMemory memory = t5.attendTo(encoded, mask);
        checkTeacherForced(prefix, memory, batch);
        for (String expectation : expected.names()) {
          String generate = prefix + "generate.";
          if (expectation.startsWith(generate) && !expectation.endsWith(".sum_log_prob")) {
            checkGenerated(expectation, expectation.substring(generate.length()), memory, batch);
          }
        }
      }
    }
  }

  /** States of padding are anything: the reference's stand there instead. */
  private static NDArray ofTokens(NDArray states, NDArray reference, NDArray mask) {
    if (!states.getShape().equals(reference.getShape())) {
      return states;
    }
    NDArray token = mask.expandDims(2); // [B, S, 1]
    return states.mul(token).add(reference.mul(token.sub(1).neg()));
  }

  private void checkTeacherForced(String prefix, CrossMemory memory, BatchAdapters batch) {
    NDArray targets = read(prefix + "decoder_input_ids");
    int length = (int) targets.getShape().get(1);
    NDArray logits = t5.logits(t5.decode(targets, t5.causal(length), memory, batch)); // [B, N, V]
    compare(prefix + "logits", logits);
    Losses losses =
        Losses.of(
            Ops.logSoftmax(logits).toFloatArray(),
            longs(prefix + "labels"),
            config.vocabSize(),
            config.padId(),
            json.path("label_smoothing").asDouble());
    compare(prefix + "target_log_probs", losses.targetLogProbabilities());
    compareIfThere(prefix + "loss_label_smoothed_sum", losses.smoothedSum());
    compareIfThere(prefix + "loss_ce_mean", losses.crossEntropyMean());
  }

  private void checkGenerated(
      String expectation, String options, CrossMemory memory, BatchAdapters batch) {
    List<Generated> generated = t5.generate(memory, batch, options(options));
    int width = (int) expected.info(expectation).shape()[1];
    double[] ours = new double[generated.size() * width];
    double[] sums = new double[generated.size()];
    boolean tooLong = false;
    for (int row = 0; row < generated.size(); row++) {
      int[] tokens = generated.get(row).tokens();
      tooLong |= tokens.length > width;
      sums[row] = generated.get(row).sumLogProbability();
      for (int i = 0; i < width; i++) {
        ours[row * width + i] = i < tokens.length ? tokens[i] : config.padId();
      }
    }
    double diff = tooLong ? Double.POSITIVE_INFINITY : maxDiff(expectation, ours);
    covered.add(expectation);
    checks.add(new Check(expectation, diff, diff == 0));
    if (expected.has(expectation + ".sum_log_prob")) {
      compare(expectation + ".sum_log_prob", sums);
    }
  }

  private GenerationOptions options(String named) {
    for (JsonNode batch : json.path("batches")) {
      JsonNode options = batch.path("generate").path(named).path("options");
      if (options.isObject()) {
        Set<String> known = Set.of("max_length", "num_beams", "length_penalty", "early_stopping");
        for (Map.Entry<String, JsonNode> option : options.properties()) {
          if (!known.contains(option.getKey())) {
            throw new CheckpointException(
                name + ".json: generate option '" + option.getKey() + "' is not supported");
          }
        }
        return new GenerationOptions(
            options.path("max_length").asInt(20),
            options.path("num_beams").asInt(1),
            options.path("length_penalty").asDouble(1),
            options.path("early_stopping").asBoolean(false));
      }
    }
    throw new CheckpointException(name + ".json has no options for generate." + named);
  }

  /** adapter.TASK.STACK.LAYER.POSITION.PART; a task's name may have dots. */
  private void checkAdapter(String expectation) {
    for (Map.Entry<String, AdapterWeights> entry : adapters.entrySet()) {
      String prefix = "adapter." + entry.getKey() + ".";
      if (expectation.startsWith(prefix)) {
        NDArray part = entry.getValue().part(expectation.substring(prefix.length()));
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          compare(expectation, part);
        }
        return;
      }
    }
    throw new CheckpointException(name + ": '" + expectation + "' is of no task of the fixture");
  }

  private void checkParameterCounts() {
    JsonNode counts = json.path("parameter_counts");
    if (!counts.isObject()) {
      return;
    }
    AdapterConfig adapterConfig = adapterConfig(json);
    ParameterCount count =
        adapterConfig == null
            ? ParameterCount.of(config)
            : ParameterCount.of(config, adapterConfig, adapters.size());
    long stored = weights.names().stream().mapToLong(n -> weights.info(n).size()).sum();
    compareCount("parameter_counts.stored", counts.path("total"), stored);
    compareCount("parameter_counts.total", counts.path("total"), count.total());
    long trainable = adapterConfig == null ? count.total() : count.trained();
    compareCount("parameter_counts.trainable", counts.path("trainable"), trainable);
  }

  private void compareCount(String check, JsonNode reference, long ours) {
    if (reference.isIntegralNumber()) {
      long diff = Math.abs(reference.longValue() - ours);
      checks.add(new Check(check, diff, diff == 0));
    }
  }

  // ---- comparing

  private void compareIfThere(String expectation, double ours) {
    if (expected.has(expectation)) {
      compare(expectation, new double[] {ours});
    }
  }

  private void compare(String expectation, NDArray ours) {
    float[] values = ours.toFloatArray();
    double[] widened = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      widened[i] = values[i];
    }
    compare(expectation, widened);
  }

  private void compare(String expectation, double[] ours) {
    float[] reference = floats(expectation);
    covered.add(expectation);
    boolean pass = reference.length == ours.length && reference.length > 0;
    for (int i = 0; pass && i < ours.length; i++) {
      double limit = ParityCheck.TOLERANCE * Math.max(1, Math.abs(reference[i]));
      pass = Math.abs(ours[i] - reference[i]) <= limit; // false for NaN
    }
    checks.add(new Check(expectation, maxDiff(expectation, ours), pass));
  }

  private double maxDiff(String expectation, double[] ours) {
    float[] reference = floats(expectation);
    if (reference.length != ours.length) {
      return Double.POSITIVE_INFINITY;
    }
    double worst = 0;
    for (int i = 0; i < ours.length; i++) {
      double diff = Math.abs(ours[i] - reference[i]);
      worst = Math.max(worst, Double.isNaN(diff) ? Double.POSITIVE_INFINITY : diff);
    }
    return worst;
  }

  private NDArray read(String expectation) {
    covered.add(expectation);
    return expected.read(t5.manager(), expectation);
  }

  private long[] longs(String expectation) {
    try (NDArray array = read(expectation)) {
      return array.toLongArray();
    }
  }

  private float[] floats(String expectation) {
    try (NDArray array = expected.read(t5.manager(), expectation);
        NDArray floats = array.toType(DataType.FLOAT32, true)) {
      return floats.toFloatArray();
    }
  }

  /** What no check looked at; gradients are compared elsewhere. */
  private List<String> notCovered() {
    return expected.names().stream()
        .filter(n -> !n.startsWith("grad.") && !covered.contains(n))
        .toList();
  }

  @Override
  public void close() {
    if (factory != null) {
      factory.close();
    }
    t5.close();
  }
}
