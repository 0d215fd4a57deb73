package io.hyperstream.app.cli;

import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Sends dead letters back to where they came from, each once. A replayed record names its letter in
 * a header and goes to the partition it once was read from, so whether a letter has been replayed
 * is read there, behind the record's old offset. All replays of a prefix share a transactional id:
 * of two at a time the later one wins, and sees all that the earlier one has committed. One thread.
 */
final class DeadLetterReplay {
  /** So many records are sent or not sent together. */
  private static final int TRANSACTION_RECORDS = 500;

  private static final Set<String> OUR_HEADERS =
      Set.of(
          DeadLetterHeaders.ERROR_CODE,
          DeadLetterHeaders.ERROR_MESSAGE,
          DeadLetterHeaders.SOURCE_TOPIC,
          DeadLetterHeaders.SOURCE_PARTITION,
          DeadLetterHeaders.SOURCE_OFFSET,
          DeadLetterHeaders.REPLAY_OF,
          DeadLetterHeaders.REPLAY_COUNT);

  /**
   * What happens to the selected letters.
   *
   * @param ready are sent
   * @param replayedBefore so many are left alone
   * @param refused why, a sentence for each
   */
  record Plan(Set<DeadLetter.Id> ready, int replayedBefore, List<String> refused) {
    /** Whether no letter was selected. */
    boolean isEmpty() {
      return ready.isEmpty() && replayedBefore == 0 && refused.isEmpty();
    }
  }

  /** With a limit a transaction is open for a second at most: readers wait for its end. */
  private final int transactionRecords;

  private final RateLimit limit;
  private final Connection cluster;
  private final DeadLetterSelection selection;
  private final int maxReplays;
  private final boolean again;

  /**
   * @param again whether a letter may be replayed although it was, or may have been, already
   * @param perSecond so many are sent, at most; 0: no limit
   */
  DeadLetterReplay(
      Connection cluster,
      DeadLetterSelection selection,
      int maxReplays,
      boolean again,
      int perSecond) {
    transactionRecords =
        perSecond == 0 ? TRANSACTION_RECORDS : Math.min(TRANSACTION_RECORDS, perSecond);
    limit = new RateLimit(perSecond);
    this.cluster = cluster;
    this.selection = selection;
    this.maxReplays = maxReplays;
    this.again = again;
  }

  /** Plans and sends; when it returns, all that is ready has been committed. */
  Plan run() throws InterruptedException {
    requireTopics();
    try (Producer<byte[], byte[]> producer =
        cluster.transactionalProducer(
            cluster.topics().settings().prefix() + "hyperstream-dead-letters-replay")) {
      // Before looking: what another replay had under way is now either committed or never will be.
      producer.initTransactions();
      Plan plan = plan();
      send(plan.ready(), producer);
      return plan;
    }
  }

  Plan plan() throws InterruptedException {
    requireTopics();
    List<String> refused = new ArrayList<>();
    Map<DeadLetter.Id, DeadLetter.Source> candidates = new LinkedHashMap<>();
    Set<DeadLetter.Id> missing = new TreeSet<>(java.util.Comparator.comparing(Object::toString));
    missing.addAll(selection.letters());
    Map<String, Integer> partitions = partitionsOfSources();
    readLetters(
        letter -> {
          missing.remove(letter.id());
          if (selection.contains(letter, cluster)) {
            Optional<String> refusal = refusal(letter, partitions);
            refusal.ifPresentOrElse(
                why -> refused.add(letter.id() + " " + letter.code() + ": " + why),
                () -> candidates.put(letter.id(), letter.source().orElseThrow()));
          }
        });
    missing.forEach(id -> refused.add(id + ": no such letter, or no longer kept"));
    int selected = candidates.size();
    if (again) {
      return new Plan(candidates.keySet(), 0, refused);
    }
    int unknown = refused.size();
    Set<DeadLetter.Id> replayed = replayedBefore(candidates, refused);
    unknown = refused.size() - unknown;
    candidates.keySet().removeAll(replayed);
    return new Plan(candidates.keySet(), selected - unknown - candidates.size(), refused);
  }

  /** Why a letter cannot be sent, apart from having been sent already. */
  private Optional<String> refusal(DeadLetter letter, Map<String, Integer> partitions) {
    Optional<DeadLetter.Source> source = letter.source();
    if (source.isEmpty()) {
      return Optional.of("its headers do not say where it came from");
    }
    Integer count = partitions.get(source.get().partition().topic());
    if (count == null || source.get().partition().partition() >= count) {
      return Optional.of(
          "it came from "
              + source.get().partition()
              + ", which is no input of this application; check --topic-prefix");
    }
    if (letter.valueOmitted()) {
      return Optional.of("its value was too large to be kept");
    }
    if (letter.replays() >= maxReplays) {
      return Optional.of(
          "it came back after "
              + letter.replays()
              + " replays; fix the cause first, then raise --max-replays");
    }
    return Optional.empty();
  }

  /**
   * The letters whose replay lies in their source topic. Those of which that cannot be told,
   * because records behind their old place are no longer kept, leave the candidates with a refusal.
   */
  private Set<DeadLetter.Id> replayedBefore(
      Map<DeadLetter.Id, DeadLetter.Source> candidates, List<String> refused) {
    Map<TopicPartition, Long> from = new HashMap<>();
    candidates
        .values()
        .forEach(source -> from.merge(source.partition(), source.offset() + 1, Math::min));
    Consumer<byte[], byte[]> consumer = cluster.consumer();
    Map<TopicPartition, Long> beginnings = consumer.beginningOffsets(from.keySet());
    candidates
        .entrySet()
        .removeIf(
            candidate -> {
              DeadLetter.Source source = candidate.getValue();
              boolean unknown = source.offset() + 1 < beginnings.get(source.partition());
              if (unknown) {
                refused.add(
                    candidate.getKey()
                        + ": too old to tell whether it was replayed already; --again sends it"
                        + " regardless");
              }
              return unknown;
            });
    from.replaceAll((partition, offset) -> Math.max(offset, beginnings.get(partition)));
    Set<DeadLetter.Id> replayed = new HashSet<>();
    try (TopicReader reader = new TopicReader(consumer, from)) {
      reader.readToEnd(
          record -> {
            Header of = record.headers().lastHeader(DeadLetterHeaders.REPLAY_OF);
            if (of != null && of.value() != null) {
              DeadLetter.Id.parse(new String(of.value(), StandardCharsets.UTF_8))
                  .ifPresent(replayed::add);
            }
          });
    }
    return replayed;
  }

  // A failed send makes the commit fail.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(Set<DeadLetter.Id> ready, Producer<byte[], byte[]> producer) {
    int[] counts = new int[2]; // in this transaction, committed
    try {
      readLetters(
          letter -> {
            if (!ready.contains(letter.id())) {
              return;
            }
            limit.await();
            if (counts[0] == 0) {
              producer.beginTransaction();
            }
            producer.send(replay(letter));
            if (++counts[0] == transactionRecords) {
              commit(producer, counts);
            }
          });
      if (counts[0] > 0) {
        commit(producer, counts);
      }
    } catch (ProducerFencedException e) {
      throw CommandFailure.failed(
          "another replay was started meanwhile and this one has ended after "
              + counts[1]
              + " letters; no letter is sent twice",
          e);
    } catch (KafkaException e) {
      throw CommandFailure.failed(
          counts[1]
              + " letters were replayed, then it failed: "
              + Failures.sentence(e, true)
              + ". The same command sends the rest; no letter is sent twice",
          e);
    }
  }

  private static void commit(Producer<byte[], byte[]> producer, int[] counts) {
    producer.commitTransaction();
    counts[1] += counts[0];
    counts[0] = 0;
  }

  /** The record once more, as it was but for our marks; its time is that of its arrival. */
  private static ProducerRecord<byte[], byte[]> replay(DeadLetter letter) {
    ConsumerRecord<byte[], byte[]> record = letter.record();
    RecordHeaders headers = new RecordHeaders();
    for (Header header : record.headers()) {
      if (!OUR_HEADERS.contains(header.key())) {
        headers.add(header);
      }
    }
    headers.add(DeadLetterHeaders.REPLAY_OF, utf8(letter.id().toString()));
    headers.add(DeadLetterHeaders.REPLAY_COUNT, utf8(Integer.toString(letter.replays() + 1)));
    TopicPartition to = letter.source().orElseThrow().partition();
    return new ProducerRecord<>(
        to.topic(), to.partition(), null, record.key(), record.value(), headers);
  }

  private void readLetters(java.util.function.Consumer<DeadLetter> each) {
    String topic = cluster.topics().deadLetters().name();
    try (TopicReader reader = new TopicReader(cluster.consumer(), List.of(topic), true)) {
      reader.readToEnd(record -> each.accept(new DeadLetter(record)));
    }
  }

  private List<Topic> sources() {
    Topics topics = cluster.topics();
    return List.of(topics.requests(), topics.labels(), topics.commands());
  }

  private void requireTopics() throws InterruptedException {
    List<Topic> needed = new ArrayList<>(sources());
    needed.add(cluster.topics().deadLetters());
    cluster.require(needed.toArray(Topic[]::new));
  }

  private Map<String, Integer> partitionsOfSources() {
    Map<String, Integer> partitions = new HashMap<>();
    try (Consumer<byte[], byte[]> consumer = cluster.consumer()) {
      sources()
          .forEach(
              topic -> partitions.put(topic.name(), consumer.partitionsFor(topic.name()).size()));
    }
    return partitions;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
