package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;

/** Dead letters listed and replayed; the application that writes them is played here. */
@ExtendWith(SharedCluster.class)
class DeadLettersIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What a letter's writer says; it counts when it was written. */
  private static final long LONG_AGO = 1_600_000_000_000L;

  private String prefix;
  private Connection connection;
  private Topics topics;

  @BeforeEach
  void prepare(TestInfo test) throws Exception {
    prefix = "letters-" + test.getTestMethod().orElseThrow().getName() + ".";
    EmbeddedCluster cluster = SharedCluster.cluster();
    topics = new Topics(Topics.Settings.defaults().withPrefix(prefix));
    connection =
        new Connection(cluster.bootstrapServers(), cluster.schemaRegistryUrl(), topics, Map.of());
    try (Admin admin = connection.admin();
        SchemaRegistryClient registry =
            SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of())) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
      new SchemaRegistrar(registry, topics).register(PATIENCE);
    }
  }

  @AfterEach
  void close() throws Exception {
    connection.close();
  }

  @Test
  @DisplayName("list: by code, task, time and place, for people and as JSON")
  void list() throws Exception {
    deadLetter(request("desk"), "UNKNOWN_TASK");
    deadLetter(request("other"), "EMPTY_TEXT");
    deadLetter(
        new Refused(topics.labels(), encode(topics.labels(), label("desk"))), "UNKNOWN_LABEL");
    deadLetter(new Refused(topics.requests(), "no Avro".getBytes(utf8())), "UNDECODABLE");

    assertThat(run("list").out().lines()).hasSize(4);
    assertThat(run("list").err())
        .contains("4 dead letters: 1 EMPTY_TEXT, 1 UNDECODABLE, 1 UNKNOWN_LABEL, 1 UNKNOWN_TASK");
    assertThat(run("list", "--code", "EMPTY_TEXT,UNDECODABLE").out().lines()).hasSize(2);
    assertThat(run("list", "--task", "desk").out())
        .contains("UNKNOWN_TASK", "UNKNOWN_LABEL", "look at " + "UNKNOWN_TASK")
        .doesNotContain("EMPTY_TEXT", "UNDECODABLE");
    assertThat(run("list", "--since", "1h").out().lines()).hasSize(4);
    assertThat(run("list", "--since", "2999-01-01T00:00:00Z").err())
        .contains("no such dead letter");
    var json = new ObjectMapper().readTree(run("list", "--task", "other", "--json").out());
    assertThat(json.get("code").asText()).isEqualTo("EMPTY_TEXT");
    assertThat(json.get("source").asText()).isEqualTo(prefix + "inference.requests-1@1");
    assertThat(run("list", "--letter", json.get("letter").asText()).out()).contains("EMPTY_TEXT");
  }

  @Test
  @DisplayName("replay: the untouched record goes back to its partition, and never a second time")
  void replay() throws Exception {
    Refused refused = request("desk");
    deadLetter(refused, "UNKNOWN_TASK");
    deadLetter(request("desk"), "EMPTY_TEXT");

    assertThat(run("replay", "--code", "UNKNOWN_TASK", "--dry-run", "--json").out())
        .isEqualTo("{\"wouldReplay\":1,\"replayedBefore\":0,\"refused\":0}\n");
    assertThat(read(topics.requests())).hasSize(2); // those that were refused

    assertThat(run("replay", "--since", "2999-01-01T00:00:00Z").err()).contains("replayed 0 of");
    assertThat(run("replay", "--all", "--max-per-second", "0").err())
        .contains("--max-per-second must be 1 or more; it is 0");
    CommandRun run =
        run("replay", "--code", "UNKNOWN_TASK", "--since", "1h", "--max-per-second", "9", "--json");
    assertThat(run.out()).isEqualTo("{\"replayed\":1,\"replayedBefore\":0,\"refused\":0}\n");
    assertThat(run.exitCode()).isZero();
    assertThat(await(topics.requests(), 3))
        .filteredOn(record -> record.headers().lastHeader(DeadLetterHeaders.REPLAY_OF) != null)
        .singleElement()
        .satisfies(
            record -> {
              assertThat(record.value()).isEqualTo(refused.value());
              assertThat(record.key()).isEqualTo("key".getBytes(utf8()));
              assertThat(record.partition()).isEqualTo(1);
              assertThat(record.headers().toArray())
                  .extracting(Header::key)
                  .containsExactly(
                      "traceparent", DeadLetterHeaders.REPLAY_OF, DeadLetterHeaders.REPLAY_COUNT);
            });

    CommandRun second = run("replay", "--all", "--json");
    assertThat(second.out()).isEqualTo("{\"replayed\":1,\"replayedBefore\":1,\"refused\":0}\n");
    assertThat(run("replay", "--all").err())
        .contains("replayed 0 of", "2 had been replayed before");
    await(topics.requests(), 4);
    assertThat(run("replay", "--all", "--again").err()).contains("replayed 2 of");
    await(topics.requests(), 6);
  }

  @Test
  @DisplayName("replay refuses what cannot help: came back too often, value lost, not an input")
  void refusals() throws Exception {
    deadLetter(request("desk"), "UNKNOWN_TASK");
    for (int round = 1; round <= 3; round++) {
      assertThat(run("replay", "--all").exitCode()).isZero();
      // The application refuses it again, and keeps its headers.
      ConsumerRecord<byte[], byte[]> back = await(topics.requests(), 1 + round).get(round);
      deadLetter(back, "UNKNOWN_TASK");
    }
    CommandRun run = run("replay", "--all", "--json");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.out()).isEqualTo("{\"replayed\":0,\"replayedBefore\":3,\"refused\":1}\n");
    assertThat(run.err()).contains("UNKNOWN_TASK: it came back after 3 replays");
    assertThat(run("list").out()).contains("(replayed 3x)");
    assertThat(run("replay", "--all", "--max-replays", "4").exitCode()).isZero();

    letter(new RecordHeaders().add(DeadLetterHeaders.ERROR_CODE, "X".getBytes(utf8())));
    letter(source("elsewhere", 0, 0));
    letter(
        source(topics.requests().name(), 0, 0)
            .add(DeadLetterHeaders.VALUE_OMITTED, "9".getBytes(utf8())));
    assertThat(run("replay", "--all", "--letter", "0@0").exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run("replay", "--letter", "3@99").err()).contains("3@99: no such letter");
    assertThat(run("replay", "--all").err())
        .contains(
            "do not say where it came from",
            "it came from elsewhere-0, which is no input",
            "its value was too large to be kept",
            "4 refused");
  }

  @Test
  @DisplayName("replay refuses a letter so old that its replay may have been deleted meanwhile")
  void tooOld() throws Exception {
    deadLetter(request("desk"), "UNKNOWN_TASK");
    try (Admin admin = connection.admin()) {
      send(topics.requests(), request("desk").value());
      admin
          .deleteRecords(
              Map.of(
                  new TopicPartition(topics.requests().name(), 1), RecordsToDelete.beforeOffset(2)))
          .all()
          .get();
    }
    CommandRun run = run("replay", "--all");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains("too old to tell whether it was replayed already");
    assertThat(run("replay", "--all", "--again").err()).contains("replayed 1 of");
  }

  @Test
  @DisplayName(
      "of two replays at a time the earlier one ends: what it had not committed is not sent")
  void twoAtATime() throws Exception {
    String id = prefix + "hyperstream-dead-letters-replay";
    deadLetter(request("desk"), "UNKNOWN_TASK");
    try (Producer<byte[], byte[]> earlier = connection.transactionalProducer(id)) {
      earlier.initTransactions();
      earlier.beginTransaction();
      earlier
          .send(
              new ProducerRecord<>(topics.requests().name(), 1, null, "half done".getBytes(utf8())))
          .get();
      assertThat(run("replay", "--all").exitCode()).isZero();
      assertThatThrownBy(earlier::commitTransaction)
          .isInstanceOfAny(
              ProducerFencedException.class,
              org.apache.kafka.common.errors.InvalidProducerEpochException.class);
    }
    assertThat(await(topics.requests(), 2))
        .extracting(record -> new String(record.value(), utf8()))
        .hasSize(2)
        .doesNotContain("half done");
  }

  /** A record in its topic that the application will not use. */
  private record Refused(Topic topic, byte[] value) {}

  private Refused request(String task) {
    return new Refused(
        topics.requests(),
        encode(
            topics.requests(),
            InferenceRequest.newBuilder()
                .setRequestId("r")
                .setTaskId(task)
                .setText("hello")
                .setCreatedAt(Instant.EPOCH)
                .build()));
  }

  private static LabelEvent label(String task) {
    return LabelEvent.newBuilder()
        .setTaskId(task)
        .setText("hello")
        .setLabel("a")
        .setCreatedAt(Instant.EPOCH)
        .build();
  }

  private byte[] encode(Topic topic, SpecificRecord record) {
    return connection.codec().serialize(topic.name(), record);
  }

  /** Sends the record to its topic, and the dead letter that it becomes. */
  private void deadLetter(Refused refused, String code) throws Exception {
    send(refused.topic(), refused.value());
    deadLetter(last(refused.topic()), code);
  }

  /** The dead letter as the application writes it: bytes, key and headers kept. */
  private void deadLetter(ConsumerRecord<byte[], byte[]> read, String code) throws Exception {
    RecordHeaders headers = new RecordHeaders(read.headers());
    source(read.topic(), read.partition(), read.offset()).forEach(headers::add);
    headers.add(DeadLetterHeaders.ERROR_CODE, code.getBytes(utf8()));
    headers.add(DeadLetterHeaders.ERROR_MESSAGE, ("look at " + code).getBytes(utf8()));
    deliver(
        new ProducerRecord<>(
            topics.deadLetters().name(), null, LONG_AGO, "key", read.value(), headers));
  }

  private void letter(Iterable<Header> headers) throws Exception {
    deliver(
        new ProducerRecord<>(topics.deadLetters().name(), 0, null, "key", new byte[1], headers));
  }

  private static RecordHeaders source(String topic, int partition, long offset) {
    RecordHeaders headers = new RecordHeaders();
    headers.add(DeadLetterHeaders.SOURCE_TOPIC, topic.getBytes(utf8()));
    headers.add(DeadLetterHeaders.SOURCE_PARTITION, ("" + partition).getBytes(utf8()));
    headers.add(DeadLetterHeaders.SOURCE_OFFSET, ("" + offset).getBytes(utf8()));
    return headers;
  }

  private void send(Topic topic, byte[] value) throws Exception {
    RecordHeaders headers = new RecordHeaders();
    headers.add(DeadLetterHeaders.TRACEPARENT, "00-1-2-00".getBytes(utf8()));
    deliver(new ProducerRecord<>(topic.name(), 1, null, "key", value, headers));
  }

  private void deliver(ProducerRecord<String, byte[]> record) throws Exception {
    connection.deliver("record", List.of(record));
  }

  private ConsumerRecord<byte[], byte[]> last(Topic topic) {
    List<ConsumerRecord<byte[], byte[]>> records = read(topic);
    return records.get(records.size() - 1);
  }

  /** What is there as soon as it is so many; readers see a transaction a moment after its end. */
  private List<ConsumerRecord<byte[], byte[]>> await(Topic topic, int records) {
    return Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> read(topic), read -> read.size() == records);
  }

  private List<ConsumerRecord<byte[], byte[]>> read(Topic topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (TopicReader reader = new TopicReader(connection.consumer(), List.of(topic.name()), true)) {
      reader.readToEnd(records::add);
    }
    return records;
  }

  private CommandRun run(String... args) {
    List<String> all = new ArrayList<>(List.of("dead-letters"));
    all.addAll(List.of(args));
    all.addAll(
        List.of(
            "--bootstrap-servers", connection.bootstrapServers(),
            "--schema-registry-url", connection.registryUrl(),
            "--topic-prefix", prefix));
    return CommandRun.of(all.toArray(String[]::new));
  }

  private static java.nio.charset.Charset utf8() {
    return StandardCharsets.UTF_8;
  }
}
