package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The examples of a task to draw from: those {@code fewshot.json} names where the folder has it,
 * else drawn by seed.
 */
record FewShotRows(Path folder, JsonNode fixed, List<Example> train) {
  private static final long MAX_ROWS_FILE_BYTES = 64 << 20;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  static FewShotRows read(TaskFolder folder) throws IOException {
    JsonNode fixed = fixedRows(folder.folder().resolve("fewshot.json"));
    return new FewShotRows(folder.folder(), fixed, split(folder, "train"));
  }

  /**
   * @throws IOException if there is no such split, or it is not what it should be
   */
  static List<Example> split(TaskFolder folder, String split) throws IOException {
    if (!folder.has(split)) {
      throw new IOException(
          "%s has neither %s.tsv nor %s.jsonl".formatted(folder.folder(), split, split));
    }
    return folder.read(split);
  }

  private static JsonNode fixedRows(Path file) throws IOException {
    if (!Files.exists(file)) {
      return MAPPER.createObjectNode();
    }
    if (Files.size(file) > MAX_ROWS_FILE_BYTES) {
      throw new IOException(file + " is larger than " + MAX_ROWS_FILE_BYTES + " bytes");
    }
    return MAPPER.readTree(file.toFile()).path("k");
  }

  /** So many examples of each label, or as many as there are. */
  List<Example> draw(int shots, int seed) throws IOException {
    JsonNode rows = fixed.path(Integer.toString(shots)).path(Integer.toString(seed));
    List<Example> out = new ArrayList<>();
    if (rows.isArray()) {
      for (JsonNode row : rows) {
        if (row.asInt(-1) < 0 || row.asInt() >= train.size()) {
          throw new IOException(folder + "/fewshot.json names row " + row);
        }
        out.add(train.get(row.asInt()));
      }
      return out;
    }
    // Nested in the number of shots: more shots add examples.
    List<Example> shuffled = new ArrayList<>(train);
    Collections.shuffle(shuffled, new Random(seed));
    Map<String, Integer> taken = new HashMap<>();
    for (Example example : shuffled) {
      if (taken.merge(example.label(), 1, Integer::sum) <= shots) {
        out.add(example);
      }
    }
    return out;
  }
}
