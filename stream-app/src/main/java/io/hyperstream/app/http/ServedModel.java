package io.hyperstream.app.http;

import io.hyperstream.app.inference.InferenceClient;
import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.model.inference.ModelInspection;
import io.hyperstream.model.store.StoredModel;
import io.micronaut.context.BeanProvider;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The model this process works with, once it is loaded. Any thread. */
@Singleton
final class ServedModel {
  private static final Logger LOG = LoggerFactory.getLogger(ServedModel.class);

  private final InferenceClient inference;
  private final BeanProvider<StoredModel> stored;
  private final List<RoleRuntime> roles;
  private Optional<ModelInspection> inspection = Optional.empty(); // guarded by this
  private boolean inspected; // guarded by this

  ServedModel(
      InferenceClient inference, BeanProvider<StoredModel> stored, List<RoleRuntime> roles) {
    this.inference = inference;
    this.stored = stored;
    this.roles = roles;
  }

  /** Its fingerprint; empty until a role of this process runs. */
  Optional<String> modelId() {
    return inference.modelId().or(() -> inspection().map(read -> read.model().modelId()));
  }

  /**
   * What its files say; empty until a role runs, and where the predictor is not made from them.
   * Asking never loads a model: a role that runs has done so.
   */
  synchronized Optional<ModelInspection> inspection() {
    if (!inspected && roles.stream().anyMatch(role -> role.running().isDone() && isWell(role))) {
      inspected = true;
      try {
        Optional<String> serving = inference.modelId();
        inspection =
            Optional.of(ModelInspection.of(stored.get()))
                .filter(read -> serving.map(read.model().modelId()::equals).orElse(true));
      } catch (IOException | RuntimeException e) {
        LOG.warn("The model's files cannot be described", e);
      }
    }
    return inspection;
  }

  private static boolean isWell(RoleRuntime role) {
    return !role.running().isCompletedExceptionally();
  }
}
