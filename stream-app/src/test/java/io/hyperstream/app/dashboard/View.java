package io.hyperstream.app.dashboard;

import java.util.List;
import java.util.Map;

/**
 * A view of the dashboard, and what of it comes from the application.
 *
 * @param hash where it is
 * @param texts by selector, a part of what must be there
 */
record View(String name, String hash, Map<String, String> texts) {

  /** All of them, with the demo's data. */
  static List<View> all() {
    return List.of(
        new View(
            "overview",
            "#/",
            Map.of(
                "#readiness", "Requests are answered",
                "#model", "starter-t5-mini",
                "#recent", Town.TAUGHT,
                "#metric-memory", "MiB")),
        new View(
            "tasks",
            "#/tasks",
            Map.of("tr[data-task='town-desk']", "%", "tr[data-task='emotion']", "28")),
        new View(
            "task",
            "#/tasks/town-desk",
            Map.of(
                "#definition", "{text}",
                "#attempts", "promoted",
                "#versions", "v1",
                "main .stats", "25% by chance",
                "#balance .balance", "water")),
        new View("define", "#/define", Map.of("form .starts", "clinc_banking")),
        new View(
            "playground",
            "#/playground?tasks=town-desk,emotion,product-review,moderation&text="
                + "The%20lamp%20in%20front%20of%20our%20house%20has%20been%20dark%20for%20a%20week",
            Map.of(
                "[data-answer='town-desk'] .label-row.win", "%",
                "[data-answer='emotion']", "28")),
        new View("live", "#/live", Map.of("main .live-status", "Live")),
        new View("map", "#/map", Map.of("svg.map", Town.TAUGHT, ".legend", "%")),
        new View(
            "letters",
            "#/letters",
            Map.of(
                "table.letters", "support-rooting",
                "#replay", "hyperstream dead-letters replay",
                "main .chips", "UNDECODABLE")));
  }
}
