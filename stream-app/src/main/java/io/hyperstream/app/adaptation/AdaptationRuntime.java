package io.hyperstream.app.adaptation;

import io.hyperstream.app.config.AdaptationPolicySettings;
import io.hyperstream.app.config.AdaptationSettings;
import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.app.streams.RoleService;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.StoredModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.BeanProvider;
import io.micronaut.context.annotation.Requires;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.util.Optional;

/** The role that makes better versions of tasks from labelled examples. */
@Singleton
@Named(AdaptationRuntime.ROLE)
@Requires(property = RoleSettings.KEY, pattern = "(?i).*\\badaptation\\b.*")
public final class AdaptationRuntime extends RoleRuntime {
  static final String ROLE = "adaptation";

  private final ClusterSettings cluster;
  private final AdaptationSettings settings;
  private final AdaptationPolicySettings policy;
  private final ModelSettings modelSettings;
  private final BeanProvider<ModelStore> store;
  private final BeanProvider<StoredModel> model;
  private final BeanProvider<MultiTaskModel> serving;
  private final RoleSettings roles;
  private final MeterRegistry meters;
  private final Tracing tracing;

  AdaptationRuntime(
      ClusterSettings cluster,
      AdaptationSettings settings,
      AdaptationPolicySettings policy,
      ModelSettings modelSettings,
      BeanProvider<ModelStore> store,
      BeanProvider<StoredModel> model,
      BeanProvider<MultiTaskModel> serving,
      RoleSettings roles,
      MeterRegistry meters,
      Tracing tracing) {
    super(ROLE, cluster);
    this.cluster = cluster;
    this.settings = settings;
    this.policy = policy;
    this.modelSettings = modelSettings;
    this.store = store;
    this.model = model;
    this.serving = serving;
    this.roles = roles;
    this.meters = meters;
    this.tracing = tracing;
  }

  @Override
  protected RoleService open(Cluster ready) throws InterruptedException {
    phase("finding the model");
    StoredModel stored = model.get();
    TrialWork.Model forTraining =
        new TrialWork.Model(
            stored, served(stored), modelSettings.options(), settings.trainerThreads());
    phase("starting the streams");
    return new AdaptationService(
        cluster, settings, policy, ready, store.get(), forTraining, meters, tracing);
  }

  /** What inference serves from here, so that the process has the weights once. */
  private Optional<MultiTaskModel> served(StoredModel stored) {
    if (!roles.infers() || !serving.isPresent()) {
      return Optional.empty();
    }
    phase("loading the model");
    return Optional.of(serving.get()).filter(model -> model.modelId().equals(stored.modelId()));
  }
}
