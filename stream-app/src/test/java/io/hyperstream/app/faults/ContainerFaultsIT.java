package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.containers.GenericContainer;

/**
 * Needs Docker and the application's image, so it is no part of {@code mvn verify}; see {@code
 * infra/faults}.
 */
@Tag("containers")
@DisplayName("Replicas on three brokers, under load and learning, each in its container")
class ContainerFaultsIT {
  private static final Logger LOG = LoggerFactory.getLogger(ContainerFaultsIT.class);
  private static final Path FOLDER = Path.of("target", "faults", "containers").toAbsolutePath();
  private static final String GROUP = "hyperstream-inference";
  private static final int POISON = 300;

  private static final long SEED = Long.getLong("hyperstream.faults.seed", 1);
  private static final String MODEL = FaultSettings.fromSystemProperties().model();
  private static final int ROUNDS = Integer.getInteger("hyperstream.faults.rounds", 1);
  private static final int PER_SECOND = Integer.getInteger("hyperstream.faults.rate", 10);
  private static final Pattern ONLY =
      Pattern.compile(System.getProperty("hyperstream.faults.only", ".*"));

  private static Containers containers;
  private static Admin admin;
  private static SchemaRegistryClient registry;
  private static RequestReconciliation requests;
  private static LabelProducer labelProducer;
  private static FaultTable table;
  private static int done; // requests up to this number are answered
  private static String unresolved; // the fault that the next would stand on; null if all is well
  private static OutputReader slowReader;

  private interface Step {
    void run() throws Exception;
  }

  /**
   * One fault.
   *
   * @param inject breaks it
   * @param heal fixes it and waits until it is fixed
   */
  private record Fault(String name, String how, Step inject, Step heal) {}

  @BeforeAll
  static void start() throws Exception {
    long start = System.nanoTime();
    containers = new Containers(FOLDER, Map.of("HYPERSTREAM_MODEL_NAME", MODEL));
    String bootstrapServers = containers.bootstrapServers();
    Topics topics = new Topics(Topics.Settings.defaults());
    admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers));
    new TopicProvisioner(admin, (short) 3).ensure(topics.all(), true, FaultEnvironment.PATIENCE);
    registry = SchemaRegistries.connect(containers.registryUrl(), Map.of());
    new SchemaRegistrar(registry, topics).register(FaultEnvironment.PATIENCE);
    RecordCodec codec = new RecordCodec(registry);
    Map<String, Object> conditions = new LinkedHashMap<>();
    conditions.put("processors", Runtime.getRuntime().availableProcessors());
    conditions.put("brokers", 3);
    conditions.put("replicas", 2);
    conditions.put("requestsPerSecond", PER_SECOND);
    conditions.put("transactionTimeoutSeconds", Containers.TRANSACTION_TIMEOUT.toSeconds());
    conditions.put("sessionTimeoutSeconds", 6);
    conditions.put("model", MODEL);
    conditions.put("seed", SEED);
    conditions.put("rounds", ROUNDS);
    table = new FaultTable(FOLDER.getParent(), conditions);
    requests =
        new RequestReconciliation(
            GROUP, topics, codec, bootstrapServers, SEED, Load.Flow.steady(PER_SECOND));
    slowReader = new OutputReader(topics, codec, bootstrapServers);
    containers.addReplica();
    containers.awaitReady(containers.replica(1)); // the second starts beside a working one
    containers.addReplica();
    containers.awaitReady(containers.replica(2));
    labelProducer =
        new LabelProducer(
            topics, codec, bootstrapServers, new LabelSequence(SEED), Duration.ofSeconds(2));
    await("answers").atMost(FaultEnvironment.PATIENCE).until(() -> requests.flowsSince(0));
    LOG.info("Everything answers after {} s", seconds(start));
  }

  @AfterAll
  static void stop() throws Exception {
    for (AutoCloseable part :
        new AutoCloseable[] {slowReader, labelProducer, requests, admin, registry, containers}) {
      if (part != null) {
        part.close();
      }
    }
  }

  @TestFactory
  @DisplayName("answer each request once, number versions without a gap, forget no example, when")
  Stream<DynamicTest> faults() {
    List<Fault> chosen =
        everyFault().stream().filter(fault -> ONLY.matcher(fault.name()).matches()).toList();
    assertThat(chosen).as("faults that match %s", ONLY).isNotEmpty();
    return Stream.concat(
        IntStream.rangeClosed(1, ROUNDS)
            .boxed()
            .flatMap(
                round ->
                    chosen.stream().map(f -> dynamicTest(round + " " + f.name(), () -> run(f)))),
        Stream.of(dynamicTest("at the end: the reconciliation", ContainerFaultsIT::result)));
  }

  private static List<Fault> everyFault() {
    return List.of(
        new Fault(
            "replica killed",
            "SIGKILL; started again at once, as an orchestrator does",
            () -> {
              containers.kill(containers.replica(1));
              containers.restart(containers.replica(1));
            },
            () -> containers.awaitReady(containers.replica(1))),
        new Fault(
            "broker killed",
            "SIGKILL of one of three",
            () -> containers.kill(containers.broker(1)),
            () -> {
              containers.restart(containers.broker(1));
              awaitReplicas();
              spreadLeaders();
            }),
        new Fault(
            "broker frozen",
            "paused: connections stay, nothing answers",
            () -> containers.pause(containers.broker(2)),
            () -> {
              containers.resume(containers.broker(2));
              awaitReplicas();
              spreadLeaders();
            }),
        new Fault(
            "registry killed",
            "SIGKILL",
            () -> containers.kill(containers.registry()),
            () -> {
              await("readiness to see it")
                  .atMost(FaultEnvironment.PATIENCE)
                  .until(() -> !containers.isReady(containers.replica(1)));
              containers.restart(containers.registry());
              containers.awaitReady(containers.replica(1));
              containers.awaitReady(containers.replica(2));
            }),
        new Fault(
            "network cut",
            "a replica without network",
            () -> containers.cutOff(containers.replica(2)),
            () -> {
              containers.reconnect(containers.replica(2));
              containers.awaitReady(containers.replica(2));
            }),
        new Fault(
            "poison burst",
            POISON + " requests at once that can never be answered",
            () -> requests.load().poison(POISON),
            () -> {}),
        new Fault(
            "slow consumer",
            "reads five answers a second",
            () -> slowReader(true),
            () -> {
              slowReader(false);
            }),
        new Fault(
            "rolling restart",
            "SIGTERM of each replica in turn, the next when it is ready again",
            () -> containers.terminate(containers.replica(1)),
            () -> {
              startAgain(1);
              containers.terminate(containers.replica(2));
              startAgain(2);
            }),
        new Fault(
            "scale 2 to 1",
            "SIGTERM of a replica",
            () -> containers.terminate(containers.replica(2)),
            () -> {}),
        new Fault(
            "scale 1 to 3",
            "two more start; one reads the model from a read-only store",
            () -> {
              containers.restart(containers.replica(2));
              if (containers.replicas() < 3) {
                containers.addConfinedReplica();
              } else {
                containers.restart(containers.replica(3));
              }
            },
            () -> {
              containers.awaitReady(containers.replica(2));
              containers.awaitReady(containers.replica(3));
            }),
        new Fault(
            "disk full",
            "no space in a replica's state directory",
            () -> containers.fillDisk(containers.replica(3)),
            () -> {
              containers.freeDisk(containers.replica(3));
              containers.awaitReady(containers.replica(3));
            }),
        new Fault(
            "scale 3 to 1",
            "SIGTERM of two replicas",
            () -> {
              containers.terminate(containers.replica(3));
              containers.terminate(containers.replica(2));
            },
            () -> {}));
  }

  private static void startAgain(int number) {
    containers.restart(containers.replica(number));
    containers.awaitReady(containers.replica(number));
  }

  private static void slowReader(boolean begins) {
    if (begins) {
      slowReader.slow(true);
      slowReader.start();
    } else {
      int answered = requests.output().answered();
      assertThat(slowReader.answered()).as("answers read slowly").isLessThan(answered);
      slowReader.slow(false);
      await("the slow reader to catch up")
          .atMost(FaultEnvironment.PATIENCE)
          .until(() -> slowReader.answered() >= answered);
      assertThat(slowReader.answeredTwice()).isEmpty();
    }
  }

  /** Until every partition of every topic is on all brokers again. */
  private static void awaitReplicas() {
    await("all replicas of all partitions")
        .atMost(FaultEnvironment.PATIENCE)
        .pollInterval(Duration.ofMillis(300))
        .ignoreExceptions()
        .until(() -> incompletePartitions().isEmpty());
  }

  /** A broker that has come back leads nothing: the next fault would not find it at work. */
  private static void spreadLeaders() throws Exception {
    admin.electLeaders(ElectionType.PREFERRED, null).partitions().get(30, TimeUnit.SECONDS);
  }

  private static List<String> incompletePartitions() throws Exception {
    return admin
        .describeTopics(
            admin
                .listTopics(new ListTopicsOptions().listInternal(true))
                .names()
                .get(10, TimeUnit.SECONDS))
        .allTopicNames()
        .get(10, TimeUnit.SECONDS)
        .values()
        .stream()
        .flatMap(
            topic ->
                topic.partitions().stream()
                    .filter(partition -> partition.isr().size() < partition.replicas().size())
                    .map(
                        partition ->
                            "%s-%d led by %s, in sync %s"
                                .formatted(
                                    topic.name(),
                                    partition.partition(),
                                    id(partition.leader()),
                                    partition.isr().stream().map(ContainerFaultsIT::id).toList())))
        .toList();
  }

  private static String id(Node broker) {
    return broker == null || broker.isEmpty() ? "nobody" : broker.idString();
  }

  /** What one would look at if answers did not come. */
  private static String diagnosis(int from) {
    String partitions;
    try {
      partitions = String.join("\n", incompletePartitions());
    } catch (Exception e) {
      partitions = "brokers say nothing: " + e;
    }
    return "unanswered by partition: %s%n%s%n%s"
        .formatted(requests.unansweredByPartition(from), partitions, containers.diagnosis());
  }

  private static boolean comesTrue(Callable<Boolean> condition) {
    try {
      await()
          .atMost(FaultEnvironment.PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .until(condition);
      return true;
    } catch (ConditionTimeoutException e) {
      return false;
    }
  }

  private static void run(Fault fault) throws Exception {
    assertThat(unresolved).as("the fault before this that was not fixed").isNull();
    unresolved = fault.name();
    if (!containers.isRunning(containers.replica(2)) && !fault.name().startsWith("scale 1")) {
      startAgain(2);
    }
    awaitReplicas(); // with fewer, the fault would be one of two
    int first = done;
    long start = System.nanoTime();
    fault.inject().run();
    int injected = requests.load().sent();
    double recovery = Double.NaN;
    try {
      boolean flows = comesTrue(() -> requests.flowsSince(injected));
      recovery = flows ? seconds(start) : Double.NaN;
      LOG.info("{}: answers flow again after {} s", fault.name(), recovery);
      String noFlow = flows ? "" : diagnosis(first); // before anything is fixed
      fault.heal().run();
      int end = requests.load().sent();
      boolean answered = comesTrue(() -> requests.unanswered(first, end) == 0);
      String noAnswer = answered ? "" : diagnosis(first);
      done = answered ? end : requests.load().sent();
      unresolved = answered ? null : unresolved;
      assertThat(flows).as("answers in every partition%n%s", noFlow).isTrue();
      assertThat(answered).as("an answer to each request%n%s", noAnswer).isTrue();
    } finally {
      table.add(
          new FaultTable.Row(
              fault.name(),
              fault.how(),
              recovery,
              requests.longestWait(first, done).toMillis() / 1e3,
              done - first,
              requests.unanswered(first, done),
              requests.output().answeredTwice().size()));
    }
    assertThat(requests.output().answeredTwice()).isEmpty();
  }

  private static void result() throws Exception {
    assertThat(unresolved).as("the fault that was not fixed").isNull();
    Runnable alive =
        () -> assertThat(containers.isRunning(containers.replica(1))).as("replica 1 runs").isTrue();
    int labels = labelProducer.stopAndCount();
    requests.drain(alive);
    Map<String, Integer> expected = labelProducer.sequence().examplesAfter(labels);
    Map<String, Integer> examples = labelProducer.countExamples(alive, expected);
    labelProducer.awaitServed(alive);
    for (int number = 1; number <= containers.replicas(); number++) {
      GenericContainer<?> replica = containers.replica(number);
      if (containers.isRunning(replica)) {
        containers.terminate(replica);
      }
    }
    labelProducer.readToTheEnd();
    ExactlyOnceResult result = requests.result(labelProducer.requested());
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("requests", result.requests());
    all.put("predictions", result.predictions());
    all.put("deadLetters", result.deadLetters());
    all.put("lost", result.lost().size());
    all.put("doubled", result.duplicated().size());
    all.put("unexpected", result.unexpected().size());
    all.put("outOfOrder", result.misordered().size());
    all.put("wrong", result.wrong().size());
    all.put("labels", labels);
    all.put("examplesAsExpected", examples.equals(expected));
    all.put("versions", labelProducer.output().versions());
    all.put("reports", labelProducer.output().reports());
    table.end(all);
    LOG.info("{}\n{}", result, table);
    assertThat(result).as("%s", result).matches(ExactlyOnceResult::isExactlyOnce);
    assertThat(requests.tornCommits()).isEmpty();
    assertThat(examples).isEqualTo(expected);
    assertThat(labelProducer.faults()).isEmpty();
    assertThat(labelProducer.output().versions()).as("versions of any task").isPositive();
  }

  private static double seconds(long since) {
    return Duration.ofNanos(System.nanoTime() - since).toMillis() / 1e3;
  }
}
