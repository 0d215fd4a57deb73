package io.hyperstream.app.cli;

import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * What the pipeline is asked: texts, each of one of the tasks, in an order that mixes tasks and
 * lengths and is the same in every run.
 */
record BenchTexts(List<TaskDefinition> tasks, List<Text> texts) {
  private static final int MOST = 100_000;
  private static final long ORDER = 7;

  /** One text and its task. */
  record Text(TaskDefinition task, String text, Optional<String> textPair) {}

  BenchTexts {
    List<Text> mixed = new ArrayList<>(texts);
    Collections.shuffle(mixed, new Random(ORDER));
    texts = List.copyOf(mixed);
    tasks = List.copyOf(tasks);
  }

  /** The demo's tasks. */
  static List<TaskDefinition> demoTasks() throws IOException {
    try (InputStream in = DemoCommand.class.getResourceAsStream(DemoSentence.TASKS)) {
      return TaskYaml.read(DemoSentence.TASKS, in);
    }
  }

  /** The demo's sentences. */
  static BenchTexts ofDemo(List<TaskDefinition> tasks) {
    Map<String, TaskDefinition> byId = byId(tasks);
    return new BenchTexts(
        tasks,
        DemoSentence.all().stream()
            .map(s -> new Text(task(byId, s.taskId(), "demo"), s.text(), s.textPair()))
            .toList());
  }

  /**
   * The texts of a file. A row without a task goes to the tasks in turn, those that compare two
   * texts left out.
   */
  static BenchTexts ofFile(Path file, List<TaskDefinition> tasks) throws IOException {
    Map<String, TaskDefinition> byId = byId(tasks);
    List<TaskDefinition> single =
        tasks.stream().filter(task -> !Definitions.toModel(task).template().needsPair()).toList();
    List<Text> texts = new ArrayList<>();
    int turn = 0;
    try (InputStream in = Files.newInputStream(file);
        InputReader rows = InputReader.of(file.toString(), in, InputFormat.AUTO, Map.of())) {
      for (Optional<InputRow> row = rows.next(); row.isPresent(); row = rows.next()) {
        InputRow read = row.get();
        if (read.taskId().isEmpty() && single.isEmpty()) {
          throw CommandFailure.usage(
              read.where() + " names no task, and every task compares two texts");
        }
        TaskDefinition task =
            read.taskId().isPresent()
                ? task(byId, read.taskId().get(), read.where())
                : single.get(turn++ % single.size());
        texts.add(new Text(task, read.text(), read.textPair()));
        if (texts.size() > MOST) {
          throw CommandFailure.usage(file + " has more than " + MOST + " texts; a part will do");
        }
      }
    }
    if (texts.isEmpty()) {
      throw CommandFailure.usage(file + " has no texts");
    }
    return new BenchTexts(tasks, texts);
  }

  /**
   * Those of one text, and the tasks that take it; a task that compares two goes with its texts.
   */
  BenchTexts withoutPairs() {
    List<TaskDefinition> single =
        tasks.stream().filter(task -> !Definitions.toModel(task).template().needsPair()).toList();
    return new BenchTexts(
        single,
        texts.stream()
            .filter(text -> text.textPair().isEmpty() && single.contains(text.task()))
            .toList());
  }

  private static Map<String, TaskDefinition> byId(List<TaskDefinition> tasks) {
    Map<String, TaskDefinition> byId = new LinkedHashMap<>();
    tasks.forEach(task -> byId.put(task.getTaskId(), task));
    return byId;
  }

  private static TaskDefinition task(
      Map<String, TaskDefinition> byId, String taskId, String where) {
    TaskDefinition task = byId.get(taskId);
    if (task == null) {
      throw CommandFailure.usage(
          where
              + ": no task '"
              + taskId
              + "' is defined; known are "
              + Rendering.some(byId.keySet())
              + ". Define others with --tasks FILE.yaml");
    }
    return task;
  }
}
