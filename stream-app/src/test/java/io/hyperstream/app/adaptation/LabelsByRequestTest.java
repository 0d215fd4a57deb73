package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.event;
import static io.hyperstream.app.adaptation.AdaptationFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.schemas.AdaptationAction;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Labels by request")
class LabelsByRequestTest {
  @TempDir private Path folder;
  private AdaptationFixture app;

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder, AdaptationFixture.options(true));
    app.define("mood", "good", "bad");
    app.define("other", "good", "bad");
  }

  @AfterEach
  void stop() {
    app.close();
  }

  private void label(String taskId, String requestId, String label) {
    app.label(event(taskId, null, label).setRequestId(requestId));
  }

  @Test
  @DisplayName("have named processors, stores and topics too")
  void describes() {
    assertThat(app.topology.describe().toString())
        .contains("find-requests", "by-request-repartition", "labels-waiting-for-requests")
        .doesNotContain("KSTREAM");
    assertThat(app.topology.describe().subtopologies()).hasSize(3);
  }

  @Test
  @DisplayName("take the text of their request, whichever comes first")
  void match() {
    app.request("r1", "mood", "first the request");
    label("mood", "r1", "good");
    label("mood", "r2", "bad");
    assertThat(app.examples("mood")).hasSize(1);
    app.wait(Duration.ofSeconds(20));
    app.request("r2", "mood", "first the label");
    assertThat(app.examples("mood"))
        .containsOnly(Map.entry("first the request", "good"), Map.entry("first the label", "bad"));
    label("mood", "r1", "bad");
    label("mood", "r2", null);
    assertThat(app.examples("mood")).containsExactly(Map.entry("first the request", "bad"));
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("may bring their text themselves")
  void ownText() {
    app.label(event("mood", "my own", "good").setRequestId("unknown"));
    assertThat(app.examples("mood")).containsOnlyKeys("my own");
  }

  @Test
  @DisplayName("for requests that never come are dead letters in the end")
  void expire() {
    label("mood", "never", "good");
    app.wait(Duration.ofSeconds(29));
    assertThat(app.deadLetters()).isEmpty();
    app.wait(Duration.ofSeconds(1));
    TestRecord<byte[], byte[]> dead =
        app.deadLetter(ErrorCode.UNMATCHED_LABEL, "was not found", "send the label with the text");
    assertThat(dead.key()).isEqualTo(utf8("any"));
    app.request("never", "mood", "too late");
    assertThat(app.examples("mood")).isEmpty();
  }

  @Test
  @DisplayName("wait in bounded number")
  void waitingIsBounded() {
    for (int i = 0; i < 6; i++) {
      label("mood", "never " + i, "good");
    }
    app.deadLetter(ErrorCode.UNMATCHED_LABEL, "too many labels wait");
  }

  @Test
  @DisplayName("of another task than the request's are dead letters that say so")
  void otherTask() {
    app.request("r1", "mood", "a text");
    label("other", "r1", "good");
    app.deadLetter(ErrorCode.UNMATCHED_LABEL, "was for task 'mood'", "for task 'other'");
  }

  @Test
  @DisplayName("with a name the task does not have are dead letters with their own bytes")
  void unknownLabel() {
    app.request("r1", "mood", "a text");
    label("mood", "r1", "odd");
    app.wait(Duration.ofSeconds(2));
    assertThat(app.deadLetter(ErrorCode.UNKNOWN_LABEL).value())
        .isEqualTo(
            app.codec.serialize(
                app.topics.labels().name(), event("mood", null, "odd").setRequestId("r1").build()));
  }

  @Test
  @DisplayName("mean the first request of an id")
  void firstRequestWins() {
    app.request("r1", "mood", "the first");
    app.request("r1", "mood", "the second");
    label("mood", "r1", "good");
    assertThat(app.examples("mood")).containsOnlyKeys("the first");
    assertThat(app.count("hyperstream.labels.duplicate.requests")).isEqualTo(1);
  }

  @Test
  @DisplayName("find the latest requests; older ones are evicted by number and by size")
  void bounded() {
    for (int i = 0; i < 6; i++) {
      app.request("r" + i, "mood", "text " + i);
    }
    assertThat(app.stored(RequestJoinProcessor.REQUESTS)).isEqualTo(4);
    label("mood", "r1", "good");
    label("mood", "r2", "good");
    assertThat(app.examples("mood")).containsOnlyKeys("text 2");
    for (int i = 6; i < 9; i++) {
      app.request("r" + i, "mood", i + "x".repeat(4_500));
    }
    assertThat(app.stored(RequestJoinProcessor.REQUESTS)).isEqualTo(2); // 20,000 bytes
  }

  @Test
  @DisplayName("ignore requests that nobody could answer")
  void invalidRequests() {
    app.pipe(app.topics.requests().name(), new TestRecord<>(utf8("k"), utf8("not avro")));
    app.request("", "mood", "a");
    app.request("r1", "mood", " ");
    app.request("r2", "a b", "a");
    app.request("r3", "mood", "x".repeat(6_000));
    assertThat(app.stored(RequestJoinProcessor.REQUESTS)).isZero();
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("forget a text with the task's owner, and all with a retired task")
  void forget() {
    app.request("r1", "mood", "a secret");
    app.request("r2", "mood", "another");
    app.request("r3", "other", "a secret");
    label("mood", "r1", "good");
    app.command(command("mood", AdaptationAction.FORGET).setText("A SECRET"));
    assertThat(app.examples("mood")).isEmpty();
    label("mood", "r1", "good");
    label("mood", "r2", "good");
    label("other", "r3", "good");
    assertThat(app.examples("mood")).containsOnlyKeys("another");
    assertThat(app.examples("other")).containsOnlyKeys("a secret");
    app.command(command("mood", AdaptationAction.FORGET));
    assertThat(app.stored(RequestJoinProcessor.REQUESTS)).isEqualTo(1);
    app.retire("other");
    assertThat(app.stored(RequestJoinProcessor.REQUESTS)).isZero();
    app.wait(Duration.ofSeconds(31));
    app.deadLetter(ErrorCode.UNMATCHED_LABEL); // the one whose request was forgotten
  }
}
