package io.hyperstream.app.cli;

import io.hyperstream.model.evaluation.ParameterCount;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a model's parameters are spent on, the way the paper counts. */
final class ParameterRendering {
  private ParameterRendering() {}

  static List<String> lines(ParameterCount count) {
    List<String> lines = new ArrayList<>();
    lines.add(line("backbone", count.backbone(), ""));
    if (count.tasks() == 0) {
      return lines;
    }
    lines.add(line("task embeddings", count.taskEmbeddings(), "of " + count.tasks() + " tasks"));
    lines.add(line("hypernetworks", count.hyperNetworks(), "shared by all tasks"));
    if (count.adapters() > 0) {
      lines.add(line("adapters", count.adapters(), "of all tasks"));
    }
    lines.add(line("layer norms", count.norms(), "trained, part of the backbone"));
    lines.add(line("trained", count.trained(), ""));
    lines.add(
        line(
            "trained per task",
            count.trained() / count.tasks(),
            String.format(Locale.ROOT, "%.3f %% of the backbone", count.percentPerTask())));
    lines.add(
        String.format(
            Locale.ROOT, "  parameters %-18s %15.3fx  of the backbone", "total", count.ratio()));
    return lines;
  }

  static Map<String, Object> toMap(ParameterCount count) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("backbone", count.backbone());
    map.put("taskEmbeddings", count.taskEmbeddings());
    map.put("hyperNetworks", count.hyperNetworks());
    map.put("adapters", count.adapters());
    map.put("layerNorms", count.norms());
    map.put("tasks", count.tasks());
    map.put("trained", count.trained());
    map.put("percentPerTask", count.percentPerTask());
    map.put("totalRatio", count.ratio());
    return map;
  }

  private static String line(String what, long parameters, String remark) {
    return String.format(Locale.ROOT, "  parameters %-18s %,16d  %s", what, parameters, remark)
        .stripTrailing();
  }
}
