package io.hyperstream.app.dashboard;

import io.hyperstream.model.store.ShippedModel;
import java.util.List;
import java.util.Map;

/**
 * A view of the dashboard, and what of it comes from the application.
 *
 * @param hash where it is
 * @param texts by selector, a part of what must be there
 */
record View(String name, String hash, Map<String, String> texts) {

  /** Only with a model that has task embeddings. */
  static final View MAP =
      new View(
          "map", "#/map", Map.of("svg.map", DemoTasks.TAUGHT, ".legend", "known to the model"));

  /** All that every model has, with the demo's data. */
  static List<View> all() {
    return List.of(
        new View(
            "overview",
            "#/",
            Map.of(
                "#readiness",
                "Requests are answered",
                "#model",
                ShippedModel.DEFAULT,
                "#recent",
                DemoTasks.TAUGHT,
                "#metric-memory",
                "MiB")),
        new View(
            "tasks",
            "#/tasks",
            Map.of("tr[data-task='city-reports']", "%", "tr[data-task='bank-intent']", "10")),
        new View(
            "task",
            "#/tasks/city-reports",
            Map.of(
                "#definition", "{text}",
                "#attempts", "promoted",
                "#versions", "v1",
                "main .stats", "25% by chance",
                "#balance .balance", "team-44")),
        new View("define", "#/define", Map.of("form", "What the model reads")),
        new View(
            "playground",
            "#/playground?tasks=city-reports,urgency,emotion,news-topic&text="
                + "The%20lamp%20in%20front%20of%20our%20house%20has%20been%20dark%20for%20a%20week",
            Map.of(
                "[data-answer='city-reports'] .label-row.win", "%",
                "[data-answer='news-topic']", "all 6 labels")),
        new View("live", "#/live", Map.of("main .live-status", "Live")),
        new View(
            "letters",
            "#/letters",
            Map.of(
                "table.letters", "support-rooting",
                "#replay", "hyperstream dead-letters replay",
                "main .chips", "UNDECODABLE")));
  }
}
