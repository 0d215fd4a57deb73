package io.hyperstream.schemas;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;

/** One filled record per type. */
final class Records {
  static final Instant NOW = Instant.parse("2026-02-03T04:05:06.789Z");

  private Records() {}

  static InferenceRequest.Builder request() {
    return InferenceRequest.newBuilder()
        .setRequestId("r-1")
        .setTaskId("emotion")
        .setText("What a day \uD83D\uDE00")
        .setAttributes(Map.of("tenant", "a"))
        .setCreatedAt(NOW);
  }

  static List<SpecificRecord> oneOfEach() {
    return List.of(
        request().build(),
        request().setTextPair("second").build(),
        Prediction.newBuilder()
            .setRequestId("r-1")
            .setTaskId("emotion")
            .setKind(TaskKind.CLASSIFICATION)
            .setLabel("joy")
            .setScore(0.75f)
            .setDistribution(
                List.of(new LabelProbability("joy", 0.75f), new LabelProbability("anger", 0.25f)))
            .setModelId("m")
            .setAdapterVersion(3)
            .setCreatedAt(NOW)
            .setPredictedAt(NOW.plusMillis(5))
            .build(),
        TaskDefinition.newBuilder()
            .setTaskId("emotion")
            .setKind(TaskKind.CLASSIFICATION)
            .setLabels(
                List.of(
                    new TaskLabel("joy", null, null),
                    new TaskLabel("anger", "angry", "complains, insults")))
            .setAdaptation(AdaptationPolicy.newBuilder().setTriggerExamples(4).build())
            .setInitFrom(List.of("sentiment"))
            .build(),
        AdapterVersion.newBuilder()
            .setTaskId("emotion")
            .setVersion(2)
            .setParent(1L)
            .setModelId("m")
            .setForm(AdapterForm.EMBEDDING)
            .setEmbedding(List.of(0.5f, -1f))
            .setPrototypes(
                Prototypes.newBuilder()
                    .setLabels(List.of("joy", "anger"))
                    .setDimension(2)
                    .setValues(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}))
                    .build())
            .setMetrics(Map.of("accuracy", 0.5))
            .setExamples(8)
            .setCreatedAt(NOW)
            .build(),
        LabelEvent.newBuilder()
            .setTaskId("emotion")
            .setRequestId("r-1")
            .setLabel("joy")
            .setCreatedAt(NOW)
            .build(),
        AdaptationCommand.newBuilder()
            .setCommandId("c-1")
            .setTaskId("emotion")
            .setAction(AdaptationAction.ROLLBACK)
            .setVersion(1L)
            .setCreatedAt(NOW)
            .build(),
        AdaptationReport.newBuilder()
            .setReportId("p-1")
            .setTaskId("emotion")
            .setModelId("m")
            .setOutcome(AdaptationOutcome.NOT_PROMOTED)
            .setForm(AdapterForm.PROTOTYPES)
            .setProbabilityBetter(0.6)
            .setStartedAt(NOW)
            .setFinishedAt(NOW)
            .build());
  }
}
