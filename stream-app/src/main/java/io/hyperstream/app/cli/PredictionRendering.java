package io.hyperstream.app.cli;

import io.hyperstream.model.inference.Explanation.Effect;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.TaskDefinition;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** Answers of the model itself as text and as JSON. */
final class PredictionRendering {
  private PredictionRendering() {}

  static String line(InputRow row, TaskDefinition definition, TaskPrediction prediction) {
    return String.format(
        Locale.ROOT,
        "%-20s %-28s %5.3f  %s",
        definition.taskId(),
        answer(prediction),
        prediction.score(),
        Rendering.oneLine(
            row.textPair().map(pair -> row.text() + " | " + pair).orElse(row.text())));
  }

  /** The words that counted most, either way. */
  static String line(List<Effect> explanation) {
    return "    "
        + explanation.stream()
            .sorted(Comparator.comparingDouble((Effect effect) -> -Math.abs(effect.effect())))
            .limit(6)
            .map(
                effect ->
                    String.format(
                        Locale.ROOT,
                        "%s %+.2f",
                        Rendering.oneLine(effect.words()),
                        effect.effect()))
            .collect(Collectors.joining(", "));
  }

  static String answer(TaskPrediction prediction) {
    if (prediction.abstained().isPresent()) {
      return Rendering.noAnswer(prediction.abstained().get());
    }
    if (prediction.label().isPresent()) {
      return prediction.label().get();
    }
    if (prediction.value().isPresent()) {
      return Double.toString(prediction.value().getAsDouble());
    }
    return Rendering.oneLine(prediction.text().orElse(""));
  }

  private static Double boxed(OptionalDouble value) {
    return value.isPresent() ? (Double) value.getAsDouble() : null;
  }

  static Map<String, Object> toMap(InputRow row, TaskDefinition definition, RowResult result) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("taskId", definition.taskId());
    map.put("input", row.text());
    map.put("inputPair", row.textPair().orElse(null));
    if (result instanceof RowFailure failure) {
      map.put("error", Map.of("code", failure.code().name(), "message", failure.message()));
    } else if (result instanceof TaskPrediction prediction) {
      map.put("label", prediction.label().orElse(null));
      map.put("value", boxed(prediction.value()));
      map.put("text", prediction.text().orElse(null));
      map.put("score", prediction.score());
      Map<String, Object> distribution = new LinkedHashMap<>();
      for (int i = 0; i < prediction.distribution().length; i++) {
        distribution.put(definition.labels().get(i).name(), prediction.distribution()[i]);
      }
      map.put("distribution", distribution);
      map.put("abstained", prediction.abstained().orElse(null));
      map.put("margin", boxed(prediction.margin()));
      map.put("outOfScope", boxed(prediction.outOfScope()));
      map.put("adapterVersion", prediction.adapterVersion());
      map.put("taught", prediction.taught());
      map.put("truncated", prediction.truncated());
      map.put("approximate", prediction.approximate());
    }
    return map;
  }
}
