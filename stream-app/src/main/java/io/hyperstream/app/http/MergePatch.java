package io.hyperstream.app.http;

import io.micronaut.json.tree.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;

/** JSON merge patches (RFC 7396). */
final class MergePatch {
  private MergePatch() {}

  /**
   * The target with what the patch says: its nulls remove, its objects are merged, all else
   * replaces.
   */
  static JsonNode apply(JsonNode target, JsonNode patch) {
    if (!patch.isObject()) {
      return patch;
    }
    Map<String, JsonNode> merged = new LinkedHashMap<>();
    if (target.isObject()) {
      target.entries().forEach(entry -> merged.put(entry.getKey(), entry.getValue()));
    }
    for (Map.Entry<String, JsonNode> change : patch.entries()) {
      if (change.getValue().isNull()) {
        merged.remove(change.getKey());
      } else {
        JsonNode before = merged.getOrDefault(change.getKey(), JsonNode.nullNode());
        merged.put(change.getKey(), apply(before, change.getValue()));
      }
    }
    return JsonNode.createObjectNode(merged);
  }
}
