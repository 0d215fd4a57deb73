package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.TrainingParity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compares this implementation with numbers of the published one. A folder of fixtures holds, for
 * each NAME, {@code NAME.json} (configuration), {@code NAME.weights.safetensors} and {@code
 * NAME.expected.safetensors}; shapes, tasks and options all come from there. Tolerance:
 * |difference| at most {@value #TOLERANCE} times max(1, |reference|); generated tokens must be
 * equal; gradients and {@code NAME.train.safetensors} as {@link TrainingParity} says.
 */
public final class ParityCheck {
  static final double TOLERANCE = 2e-5;

  private static final long MAX_JSON_BYTES = 100_000_000;

  private ParityCheck() {}

  /**
   * Runs every check on every fixture of a folder.
   *
   * @throws IOException if a file is missing or cannot be read
   * @throws CheckpointException if the folder holds no fixture or one is damaged
   */
  public static ParityReport run(Path folder) throws IOException {
    List<Path> manifests;
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(folder + " is not a folder");
    }
    try (Stream<Path> files = Files.list(folder)) {
      manifests = files.filter(f -> f.toString().endsWith(".json")).sorted().toList();
    }
    if (manifests.isEmpty()) {
      throw new CheckpointException(folder + " holds no fixture: there is no NAME.json in it");
    }
    boolean recording = Ops.setRecording(false);
    int threads = Ops.setThreads(1); // the models are tiny
    try {
      List<ParityReport.Fixture> results = new ArrayList<>();
      for (Path manifest : manifests) {
        results.add(run(manifest, ConfigFields.read(manifest, MAX_JSON_BYTES)));
      }
      return ParityReport.of(results);
    } finally {
      Ops.setThreads(threads);
      Ops.setRecording(recording);
    }
  }

  private static ParityReport.Fixture run(Path manifest, JsonNode json) throws IOException {
    String name = manifest.getFileName().toString().replaceAll("\\.json$", "");
    if (json.has("t5")) {
      try (FixtureModel model = FixtureModel.open(manifest, name, json)) {
        return withTraining(manifest, json, model.check());
      }
    }
    if (json.has("buckets")) {
      return new ParityReport.Fixture(
          name,
          concat(
              BucketParity.check(json.path("buckets")), SamplerParity.check(json.path("sampler"))),
          List.of());
    }
    throw new CheckpointException(
        manifest + " is no fixture: it has neither a 't5' configuration nor 'buckets'");
  }

  /** Adds gradients and optimiser steps, where the fixture has them. */
  private static ParityReport.Fixture withTraining(
      Path manifest, JsonNode json, ParityReport.Fixture forward) throws IOException {
    String name = forward.name();
    Path trained = manifest.resolveSibling(name + ".train.safetensors");
    List<ParityReport.Check> checks = new ArrayList<>(forward.checks());
    TrainingParity.run(
            json,
            Safetensors.open(manifest.resolveSibling(name + ".weights.safetensors")),
            Safetensors.open(manifest.resolveSibling(name + ".expected.safetensors")),
            Files.exists(trained) ? Optional.of(Safetensors.open(trained)) : Optional.empty())
        .forEach(
            c ->
                checks.add(
                    new ParityReport.Check(c.check(), c.maxAbsDiff(), c.pass(), c.outliers())));
    return new ParityReport.Fixture(name, checks, forward.notChecked());
  }

  private static List<ParityReport.Check> concat(
      List<ParityReport.Check> first, List<ParityReport.Check> second) {
    List<ParityReport.Check> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
