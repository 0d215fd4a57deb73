package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.LabelProbability;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Records of the contract as text and as JSON. */
final class Rendering {
  /** Ranges of characters that take two columns. */
  private static final int[][] WIDE = {
    {0x1100, 0x115F},
    {0x2E80, 0xA4CF},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFF00, 0xFF60},
    {0x1F300, 0x1FAFF}
  };

  private Rendering() {}

  /** What a person wants to see of a prediction. */
  static String answer(Prediction prediction) {
    if (prediction.getAbstained() != null) {
      return noAnswer(prediction.getAbstained());
    }
    if (prediction.getLabel() != null) {
      return oneLine(prediction.getLabel());
    }
    if (prediction.getValue() != null) {
      return prediction.getValue().toString();
    }
    return prediction.getText() == null ? "" : oneLine(prediction.getText());
  }

  static String noAnswer(String reason) {
    return "no answer (" + oneLine(reason) + ")";
  }

  static Map<String, Object> toMap(Prediction prediction, ConsumerRecord<byte[], byte[]> record) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("requestId", prediction.getRequestId());
    map.put("taskId", prediction.getTaskId());
    map.put("kind", prediction.getKind().name());
    map.put("label", prediction.getLabel());
    map.put("value", prediction.getValue());
    map.put("text", prediction.getText());
    map.put("score", prediction.getScore());
    Map<String, Object> distribution = new LinkedHashMap<>();
    for (LabelProbability entry : prediction.getDistribution()) {
      distribution.put(entry.getLabel(), entry.getProbability());
    }
    map.put("distribution", distribution);
    map.put("abstained", prediction.getAbstained());
    map.put("margin", prediction.getMargin());
    map.put("outOfScope", prediction.getOutOfScope());
    map.put("modelId", prediction.getModelId());
    map.put("adapterVersion", prediction.getAdapterVersion());
    map.put("taught", prediction.getTaught());
    map.put("truncated", prediction.getTruncated());
    map.put("approximate", prediction.getApproximate());
    map.put("attributes", prediction.getAttributes());
    map.put("createdAt", prediction.getCreatedAt().toString());
    map.put("predictedAt", prediction.getPredictedAt().toString());
    map.put("key", key(record));
    map.put("partition", record.partition());
    map.put("offset", record.offset());
    return map;
  }

  static Map<String, Object> toMap(TaskDefinition definition) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("taskId", definition.getTaskId());
    map.put("kind", definition.getKind().name());
    List<Map<String, Object>> labels = new ArrayList<>();
    for (TaskLabel label : definition.getLabels()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", label.getName());
      entry.put(
          "verbalizer", label.getVerbalizer() == null ? label.getName() : label.getVerbalizer());
      entry.put("description", label.getDescription());
      labels.add(entry);
    }
    map.put("labels", labels);
    map.put("template", definition.getTemplate());
    map.put("templatePair", definition.getTemplatePair());
    map.put("description", definition.getDescription());
    map.put("overLength", definition.getOverLength().name());
    map.put("scoring", definition.getScoring().name());
    map.put("initFrom", definition.getInitFrom());
    map.put("abstainBelow", definition.getAbstainBelow());
    map.put(
        "adaptation",
        definition.getAdaptation() == null ? null : toMap(definition.getAdaptation()));
    return map;
  }

  private static Map<String, Object> toMap(AdaptationPolicy policy) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("enabled", policy.getEnabled());
    map.put("triggerExamples", policy.getTriggerExamples());
    map.put("maxExamplesPerLabel", policy.getMaxExamplesPerLabel());
    map.put("heldOutFraction", policy.getHeldOutFraction());
    map.put("promotionProbability", policy.getPromotionProbability());
    map.put("method", policy.getMethod().name());
    map.put("tuneWeights", policy.getTuneWeights());
    map.put("minIntervalSeconds", policy.getMinIntervalSeconds());
    return map;
  }

  static String key(ConsumerRecord<byte[], byte[]> record) {
    return record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
  }

  /** The names, or the first of many. */
  static String some(Collection<String> names) {
    int shown = 20;
    String listed = names.stream().limit(shown).collect(Collectors.joining(", "));
    return names.size() > shown ? listed + " and " + (names.size() - shown) + " more" : listed;
  }

  /** Control characters would let a text rewrite the screen it is shown on. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    text.codePoints()
        .forEach(point -> line.appendCodePoint(Character.isISOControl(point) ? ' ' : point));
    return line.toString();
  }

  /** Exactly so many columns: padded, or cut with an ellipsis. */
  static String fit(String text, int columns) {
    String line = oneLine(text);
    StringBuilder fitted = new StringBuilder(columns);
    int used = 0;
    for (int i = 0; i < line.length(); ) {
      int point = line.codePointAt(i);
      int width = columns(point);
      boolean last = i + Character.charCount(point) == line.length();
      if (used + width > columns || (used + width == columns && !last)) {
        fitted.append('…');
        used++;
        break;
      }
      fitted.appendCodePoint(point);
      used += width;
      i += Character.charCount(point);
    }
    return fitted.append(" ".repeat(Math.max(0, columns - used))).toString();
  }

  /** Columns of a character on a terminal: emoji and East Asian ones take two. */
  private static int columns(int point) {
    int type = Character.getType(point);
    if (type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.FORMAT) {
      return 0;
    }
    for (int[] range : WIDE) {
      if (point >= range[0] && point <= range[1]) {
        return 2;
      }
    }
    return 1;
  }
}
