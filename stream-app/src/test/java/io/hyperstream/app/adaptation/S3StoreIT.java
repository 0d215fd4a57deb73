package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationTestApp.onCommand;
import static io.hyperstream.app.adaptation.AdaptationTestApp.remarks;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.faults.ServeProcess;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.testing.ChildJvm;
import io.hyperstream.testing.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Processes that share a model store in S3")
@ExtendWith(SharedCluster.class)
class S3StoreIT {
  private static final Duration START = Duration.ofMinutes(2);

  @TempDir Path folder;

  private Map<String, Object> store(S3Server server, String cache) {
    return Map.of(
        "model.dir",
        "s3://models/team-a",
        "model.s3.endpoint",
        server.endpoint().toString(),
        "model.s3.access-key-id",
        S3Server.ACCESS_KEY,
        "model.s3.secret-access-key",
        S3Server.SECRET_KEY,
        "model.s3.cache-dir",
        folder.resolve(cache).toString(),
        "model.s3.attempts",
        3);
  }

  private ServeProcess replica(AppFixture app, S3Server server, String log, String model) {
    Map<String, String> settings = new HashMap<>();
    store(server, "replica").forEach((key, value) -> settings.put(key, value.toString()));
    settings.put("model.name", model);
    settings.put("roles", "inference");
    settings.put("kafka.topic-prefix", "s3.");
    settings.put("kafka.application-id", "s3-app");
    settings.put("streams.state-dir", folder.resolve("replica-state").toString());
    return new ServeProcess(
        ChildJvm.OPTIONS,
        app.cluster().bootstrapServers(),
        app.cluster().schemaRegistryUrl(),
        settings,
        folder.resolve(log));
  }

  @Test
  @DisplayName(
      "what one adapts and stores, another serves; with S3 gone, a restart serves from its cache")
  void shared() throws Exception {
    try (S3Server server = S3Server.start(Files.createDirectory(folder.resolve("server")));
        AdaptationTestApp fixture = new AdaptationTestApp("s3", folder)) {
      Path bucket = server.bucket("models");
      store(server, "trainer").forEach(fixture.app::set);
      fixture
          .app
          .set("roles", "adaptation")
          .set("adaptation.max-inline-weights-bytes", 0)
          .set("adaptation.collect-weights-after", "1h");
      fixture.start();
      try (ServeProcess replica = replica(fixture.app, server, "first.log", "starter-t5-mini@1")) {
        replica.awaitLog("Hyperstream is serving", START);
        fixture.app.define(
            AppFixture.task("tuned", "pros", "cons")
                .setAdaptation(
                    onCommand()
                        .setMethod(AdaptationMethod.WEIGHTS)
                        .setPromotionProbability(0.5)
                        .build()));
        List<Prediction> untaught = fixture.ask("tuned", remarks(1));
        assertThat(untaught).allMatch(answer -> answer.getAdapterVersion() == 0);
        fixture.teach("tuned", remarks(0));
        AdaptationReport report = fixture.execute("tuned", AdaptationAction.ADAPT);
        assertThat(report.getOutcome())
            .as(report.getReason())
            .isEqualTo(AdaptationOutcome.PROMOTED);
        fixture.awaitServed("tuned", 1);
        List<Prediction> taught = fixture.ask("tuned", remarks(1));
        assertThat(taught).allMatch(answer -> answer.getAdapterVersion() == 1);

        AdapterVersion version = fixture.served("tuned").orElseThrow();
        assertThat(version.getForm()).isEqualTo(AdapterForm.WEIGHTS);
        assertThat(version.getWeights()).isNull();
        Path object = bucket.resolve("team-a").resolve(version.getWeightsUri());
        assertThat(Checksums.sha256(object)).isEqualTo(version.getWeightsSha256());
        assertThat(copiesOf(object, "replica")).hasSize(1);
        assertThat(bucket.resolve("team-a/models/starter-t5-mini/1/manifest.json")).exists();
        assertThat(bucket.resolve("team-a/models/starter-t5-mini/2")).doesNotExist();
        assertThat(replica.terminate(START)).isIn(0, 143);

        server.kill();
        try (ServeProcess again = replica(fixture.app, server, "second.log", "starter-t5-mini@1")) {
          again.awaitLog("is loaded from the cache, for now", START);
          again.awaitLog("Hyperstream is serving", START);
          List<Prediction> now = fixture.ask("tuned", remarks(1));
          assertThat(now).allMatch(answer -> answer.getAdapterVersion() == 1);
          AdaptationTestApp.assertSame(taught, now);
          assertThat(again.terminate(START)).isIn(0, 143);
        }
      }
    }
    for (String log : List.of("first.log", "second.log")) {
      assertThat(folder.resolve(log)).content().doesNotContain(S3Server.SECRET_KEY);
    }
  }

  private List<Path> copiesOf(Path object, String cache) throws Exception {
    try (Stream<Path> files = Files.walk(folder.resolve(cache))) {
      return files.filter(file -> file.getFileName().equals(object.getFileName())).toList();
    }
  }
}
