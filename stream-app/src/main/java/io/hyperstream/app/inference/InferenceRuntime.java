package io.hyperstream.app.inference;

import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.streams.ClusterSettings;
import io.hyperstream.app.streams.GroupProtocolChoice;
import io.hyperstream.app.streams.RoleRuntime;
import io.hyperstream.app.streams.RoleService;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.store.ModelStore;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.BeanProvider;
import io.micronaut.context.annotation.Requires;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/** The role that answers requests. */
@Singleton
@Named(InferenceRuntime.ROLE)
@Requires(property = RoleSettings.KEY, pattern = "(?i).*\\binference\\b.*")
public final class InferenceRuntime extends RoleRuntime {
  static final String ROLE = "inference";

  private final ClusterSettings settings;
  private final EngineSettings engine;
  private final BeanProvider<Predictor> model;
  private final BeanProvider<ModelStore> store;
  private final MeterRegistry meters;
  private final Tracing tracing;
  private final InferenceClient inference;

  InferenceRuntime(
      ClusterSettings settings,
      EngineSettings engine,
      BeanProvider<Predictor> model,
      BeanProvider<ModelStore> store,
      MeterRegistry meters,
      Tracing tracing,
      InferenceClient inference) {
    super(ROLE, settings);
    this.settings = settings;
    this.engine = engine;
    this.model = model;
    this.store = store;
    this.meters = meters;
    this.tracing = tracing;
    this.inference = inference;
  }

  @Override
  protected RoleService open(Cluster cluster) throws InterruptedException {
    phase("loading the model");
    Predictor predictor = model.get();
    phase("starting the streams");
    GroupProtocol protocol =
        new GroupProtocolChoice(cluster.admin())
            .of(settings.streams().groupProtocol(), settings.kafka().applicationId());
    int partitions = partitionsOf(cluster.topics().requests().name(), cluster.admin());
    InferenceService service =
        new InferenceService(
            settings,
            engine,
            cluster.topics(),
            cluster.registry(),
            predictor,
            store.get(),
            meters,
            tracing,
            protocol,
            partitions);
    inference.open(service);
    return service;
  }

  private static int partitionsOf(String topic, Admin admin) throws InterruptedException {
    try {
      return admin
          .describeTopics(List.of(topic))
          .allTopicNames()
          .get()
          .get(topic)
          .partitions()
          .size();
    } catch (ExecutionException e) {
      throw new IllegalStateException("cannot describe topic " + topic, e.getCause());
    }
  }
}
