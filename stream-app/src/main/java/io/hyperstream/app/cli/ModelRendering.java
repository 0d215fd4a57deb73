package io.hyperstream.app.cli;

import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.store.StoredModel;
import java.util.LinkedHashMap;
import java.util.Map;

/** Stored models as JSON. */
final class ModelRendering {
  private ModelRendering() {}

  static Map<String, Object> toMap(StoredModel model) {
    Manifest manifest = model.manifest();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", model.name());
    map.put("version", model.version());
    map.put("modelId", model.modelId());
    map.put("directory", model.directory().toString());
    map.put("bytes", model.sizeInBytes());
    map.put("backboneFingerprint", manifest.backboneFingerprint());
    map.put("maxSourceTokens", manifest.card().maxSourceTokens());
    map.put("maxTargetTokens", manifest.card().maxTargetTokens());
    map.put("tasks", manifest.tasks());
    map.put("metrics", manifest.card().metrics());
    map.put("licence", manifest.card().licence());
    map.put("source", manifest.card().source());
    map.put("notes", manifest.card().notes());
    map.put("createdAt", manifest.createdAt().toString());
    return map;
  }
}
