package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.FatalErrors;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@DisplayName("Preparing a request")
class RequestPipelineTest {
  private final TestPredictor predictor = new TestPredictor();
  private final InferenceMetrics metrics = new InferenceMetrics(new SimpleMeterRegistry());
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private RequestPipeline pipeline;
  private InferenceEngine engine;
  private RecordCodec codec;
  private Topics topics;

  @BeforeEach
  void start() throws Exception {
    SchemaRegistryClient registry =
        SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    topics = new Topics(Topics.Settings.defaults());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    TaskCatalog catalog = new TaskCatalog(predictor);
    catalog.define(TaskDefinition.classification("mood", List.of("good", "bad")));
    engine =
        new InferenceEngine(
            predictor,
            new BatchPolicy(8, 1000, Duration.ZERO),
            Duration.ofMinutes(1),
            new WarmUp(predictor)::canary,
            catalog::freshest,
            missing -> {},
            metrics,
            InferenceSpans.off());
    engine.start();
    pipeline =
        new RequestPipeline(
            codec,
            new RequestLimits(100_000, 5_000, 3, 1_000),
            catalog,
            (taskId, timestamp) -> CompletableFuture.completedFuture(null),
            predictor,
            engine,
            metrics,
            1);
    log.start();
    ((Logger) LoggerFactory.getLogger("io.hyperstream")).addAppender(log);
  }

  @AfterEach
  void stop() {
    ((Logger) LoggerFactory.getLogger("io.hyperstream")).detachAppender(log);
    pipeline.close();
    engine.close();
  }

  private PendingRequest request() {
    InferenceRequest request =
        InferenceRequest.newBuilder()
            .setRequestId("r1")
            .setTaskId("mood")
            .setText("a text")
            .setCreatedAt(Instant.EPOCH)
            .build();
    String topic = topics.requests().name();
    return new PendingRequest(
        new RawRequest(new TopicPartition(topic, 0), 0, 0, codec.serialize(topic, request)));
  }

  private static Outcome await(PendingRequest pending) throws Exception {
    return pending.await(TimeUnit.SECONDS.toNanos(20));
  }

  private void fails(Throwable failure) {
    predictor.inPreparation(() -> sneak(failure));
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable failure) throws T {
    throw (T) failure;
  }

  private void assertDefect(PendingRequest pending) throws Exception {
    assertThat(await(pending))
        .isInstanceOfSatisfying(
            Outcome.Rejected.class,
            rejected -> {
              assertThat(rejected.code()).isEqualTo(ErrorCode.MODEL_ERROR);
              assertThat(rejected.message()).contains("defect").doesNotContain("java.lang");
            });
  }

  @Test
  @DisplayName("a defect of our own is logged with where it is, once per kind, and counted")
  void defect() throws Exception {
    fails(new IllegalStateException("a defect of ours"));
    for (int i = 0; i < 5; i++) {
      PendingRequest pending = request();
      pipeline.submit(pending);
      assertDefect(pending);
    }
    assertThat(metrics.defects.count()).isEqualTo(5);
    assertThat(log.list)
        .filteredOn(event -> event.getLevel() == Level.ERROR)
        .hasSize(3) // the first, the second and the fourth
        .first()
        .satisfies(
            event -> {
              assertThat(event.getThrowableProxy().getMessage()).isEqualTo("a defect of ours");
              assertThat(event.getMDCPropertyMap()).containsEntry("requestId", "r1");
            });
  }

  @Test
  @DisplayName("a text on which the stack overflows is answered for at once, as any defect")
  void stackOverflow() throws Exception {
    fails(new StackOverflowError());
    PendingRequest pending = request();
    pipeline.submit(pending);
    assertDefect(pending);
    assertThat(pipeline.broken()).isNotDone();
  }

  @Test
  @DisplayName("what an installation lacks ends the process; the request is tried elsewhere")
  void linkage() {
    fails(new NoClassDefFoundError("org/example/Missing"));
    PendingRequest pending = request();
    pipeline.submit(pending);
    assertThatThrownBy(() -> await(pending)).isInstanceOf(NotNowException.class);
    assertThat(pipeline.broken())
        .failsWithin(Duration.ofSeconds(20))
        .withThrowableThat()
        .havingCause()
        .withMessageContaining("installation")
        .withMessageContaining("org/example/Missing");
  }

  @Test
  @DisplayName("memory that is short is waited for a few times, then it ends the process")
  void outOfMemory() {
    fails(new OutOfMemoryError("Java heap space"));
    PendingRequest pending = request();
    for (int attempt = 1; attempt < FatalErrors.MEMORY_ATTEMPTS; attempt++) {
      PendingRequest now = pending;
      pipeline.prepareNow(now);
      assertThatThrownBy(() -> await(now)).isInstanceOf(NotNowException.class);
      pending = now.again();
    }
    assertThat(pipeline.broken()).isNotDone();
    PendingRequest last = pending;
    pipeline.prepareNow(last);
    assertThatThrownBy(() -> await(last)).isInstanceOf(NotNowException.class);
    assertThat(pipeline.broken())
        .failsWithin(Duration.ofSeconds(20))
        .withThrowableThat()
        .havingCause()
        .withMessageContaining("memory");
  }
}
