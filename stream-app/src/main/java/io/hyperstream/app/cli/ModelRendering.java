package io.hyperstream.app.cli;

import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.store.StoredModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Stored models as JSON. */
final class ModelRendering {
  private ModelRendering() {}

  /**
   * {@code t5} or {@code bert}, by the files that the manifest names: those of a store in S3 are
   * not here. A question mark if they are of no family.
   */
  static String family(StoredModel model) {
    Set<String> paths =
        model.manifest().files().stream().map(Manifest.FileEntry::path).collect(Collectors.toSet());
    return LoadedModel.FAMILIES.all().stream()
        .filter(
            family ->
                family.files().stream()
                    .allMatch(name -> paths.contains(Manifest.BACKBONE + "/" + name)))
        .findFirst()
        .map(ModelFamily::name)
        .orElse("?");
  }

  static Map<String, Object> toMap(StoredModel model) {
    Manifest manifest = model.manifest();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", model.name());
    map.put("version", model.version());
    map.put("family", family(model));
    map.put("modelId", model.modelId());
    map.put("directory", model.directory().toString());
    map.put("bytes", model.sizeInBytes());
    map.put("backboneFingerprint", manifest.backboneFingerprint());
    map.put("maxSourceTokens", manifest.card().maxSourceTokens());
    map.put("maxTargetTokens", manifest.card().maxTargetTokens());
    map.put("tasks", tasks(manifest));
    map.put("metrics", manifest.card().metrics());
    map.put("licence", manifest.card().licence());
    map.put("source", manifest.card().source());
    map.put("notes", manifest.card().notes());
    map.put("createdAt", manifest.createdAt().toString());
    return map;
  }

  /** The tasks a model was trained on; not the adapters for all others. */
  static List<String> tasks(Manifest manifest) {
    return manifest.tasks().stream().filter(task -> !task.equals(AdapterConfig.GENERIC)).toList();
  }
}
