package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.READ_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.inference.InferenceClient;
import io.hyperstream.app.inference.InferenceClient.TaskEmbedding;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.inference.ModelInspection;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Where the tasks are among each other. */
@Controller("/api/embeddings")
@ExecuteOn(HttpThreads.NAME)
@Tag(name = "model")
class EmbeddingController {
  /** Each is held against each. */
  private static final int MOST_TASKS = 1_000;

  private static final int NEIGHBOURS = 5;
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final InferenceClient inference;
  private final ServedModel model;
  private Embeddings last; // guarded by this
  private long lastNanos; // guarded by this

  EmbeddingController(InferenceClient inference, ServedModel model) {
    this.inference = inference;
    this.model = model;
  }

  /**
   * Tasks on a plane.
   *
   * @param explained the share of the variance along x and along y
   */
  @Serdeable
  record Embeddings(List<Item> items, List<Double> explained) {}

  /**
   * A task.
   *
   * @param source whether the model was trained on it
   * @param defined whether it is served here; what is not shows where new tasks may start
   * @param version of its adapters; 0: the initial adapter
   * @param neighbours the nearest by the cosine of their embeddings
   */
  @Serdeable
  @Schema(name = "Embedding")
  record Item(
      String taskId,
      double x,
      double y,
      boolean source,
      boolean defined,
      long version,
      List<Neighbour> neighbours) {}

  @Serdeable
  record Neighbour(String taskId, double similarity) {}

  /** The first two principal components of the task embeddings; of at most 1,000 tasks. */
  @Get
  @Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
  synchronized Embeddings get() {
    inference
        .problem()
        .ifPresent(
            problem -> {
              throw ProblemException.notNow(problem);
            });
    if (last == null || System.nanoTime() - lastNanos > FRESH_NANOS) {
      last = compute();
      lastNanos = System.nanoTime();
    }
    return last;
  }

  private Embeddings compute() {
    List<SourceTask> known = model.inspection().map(ModelInspection::tasks).orElse(List.of());
    Map<String, TaskEmbedding> tasks = new LinkedHashMap<>();
    for (SourceTask task : known) {
      inference.startOf(task.definition()).ifPresent(start -> tasks.put(start.taskId(), start));
    }
    Set<String> sources = Set.copyOf(tasks.keySet());
    List<TaskEmbedding> served = new ArrayList<>(inference.embeddings());
    served.sort(Comparator.comparing(TaskEmbedding::taskId));
    Set<String> defined = served.stream().map(TaskEmbedding::taskId).collect(Collectors.toSet());
    for (TaskEmbedding task : served) {
      if (tasks.size() < MOST_TASKS || tasks.containsKey(task.taskId())) {
        tasks.put(task.taskId(), task);
      }
    }
    List<TaskEmbedding> all = List.copyOf(tasks.values());
    Projection plane = Projection.of(all.stream().map(TaskEmbedding::values).toList());
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      TaskEmbedding task = all.get(i);
      items.add(
          new Item(
              task.taskId(),
              plane.points()[i][0],
              plane.points()[i][1],
              sources.contains(task.taskId()),
              defined.contains(task.taskId()),
              task.version(),
              neighbours(task, all)));
    }
    return new Embeddings(items, List.of(plane.explained()[0], plane.explained()[1]));
  }

  private static List<Neighbour> neighbours(TaskEmbedding task, List<TaskEmbedding> all) {
    return all.stream()
        .filter(other -> !other.taskId().equals(task.taskId()))
        .map(other -> new Neighbour(other.taskId(), cosine(task.values(), other.values())))
        .sorted(Comparator.comparingDouble(Neighbour::similarity).reversed())
        .limit(NEIGHBOURS)
        .toList();
  }

  private static double cosine(float[] a, float[] b) {
    double product = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < a.length; i++) {
      product += (double) a[i] * b[i];
      squaresA += (double) a[i] * a[i];
      squaresB += (double) b[i] * b[i];
    }
    return squaresA == 0 || squaresB == 0 ? 0 : product / Math.sqrt(squaresA * squaresB);
  }
}
