package io.hyperstream.app.inference;

import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.S3Settings;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.store.ModelStores;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Requires;
import jakarta.inject.Singleton;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads the configured model, when it is asked for first. */
@Factory
final class ModelFactory {
  private static final Logger LOG = LoggerFactory.getLogger(ModelFactory.class);

  @Singleton
  @Bean(preDestroy = "close")
  ModelStore store(ModelSettings settings, S3Settings s3) throws IOException {
    return ModelStores.open(settings.dir(), s3.options());
  }

  @Singleton
  StoredModel stored(ModelSettings settings, ModelStore store) throws IOException {
    return ShippedModel.load(store, settings.name());
  }

  /** Made unless the application was started with a predictor of the caller's. */
  @Singleton
  @Bean(
      preDestroy = "close",
      typed = {Predictor.class, MultiTaskModel.class})
  @Requires(missingBeans = Predictor.class)
  MultiTaskModel model(StoredModel stored, ModelSettings settings, EngineSettings engine)
      throws IOException {
    long start = System.nanoTime();
    ModelOptions options = settings.options().withMaxBatchTokens(engine.maxBatchTokens());
    MultiTaskModel model = MultiTaskModel.open(stored, options);
    LOG.info(
        "Model {} ({}) loaded in {} ms; inputs of at most {} tokens",
        stored.reference(),
        model.modelId(),
        (System.nanoTime() - start) / 1_000_000,
        model.maxSourceTokens());
    return model;
  }
}
