package io.hyperstream.app.cli;

import io.hyperstream.model.bench.Opponent;
import io.hyperstream.model.bench.OpponentFactory;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.tokenize.JsonTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.TopicPartition;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@link PlainConsumer} as a process of its own, until a signal; of {@code bench pipeline}. */
@Command(
    name = "plain-consumer",
    hidden = true,
    mixinStandardHelpOptions = true,
    description = "The other side of `bench pipeline --against plain-consumer`, which starts it.")
final class BenchPlainConsumerCommand implements Callable<Integer> {
  static final String NAME = "plain-consumer";
  static final String READY = "The plain consumer is reading";

  private final Console console;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads of the model's arithmetic. Default: ${DEFAULT-VALUE}.")
  private int threads;

  @Mixin private ModelChoice model;
  @Mixin private ConnectionOptions connection;

  BenchPlainConsumerCommand(Console console) {
    this.console = console;
  }

  /** The consumer group that reads the requests under a prefix. */
  static String group(String topicPrefix) {
    return topicPrefix + NAME;
  }

  @Override
  public Integer call() throws Exception {
    StoredModel stored = model.load();
    OpponentFactory factory = Opponents.onnxRuntime();
    String format = factory.formats(stored.name()).get(0);
    try (Teardown teardown = Teardown.alsoOnSignal(console)) {
      Connection cluster = teardown.add("the connection", connection.connect());
      Tokenizer tokenizer =
          teardown.add(
              "the tokenizer", JsonTokenizer.open(stored.backbone().file("tokenizer.json")));
      Opponent encoder = teardown.add("the encoder", factory.open(stored.name(), format, threads));
      Producer<String, byte[]> producer = teardown.add("the producer", cluster.producer());
      Consumer<byte[], byte[]> consumer =
          teardown.add("the consumer", cluster.consumer(group(connection.topicPrefix)));
      PlainConsumer plain =
          new PlainConsumer(
              consumer,
              producer,
              cluster.codec(),
              cluster.topics(),
              tokenizer,
              stored.manifest().card().maxSourceTokens(),
              encoder,
              stored.modelId(),
              new TaskTopic(cluster, console).read().values());
      consumer.subscribe(List.of(cluster.topics().requests().name()), new SayReady());
      while (true) {
        plain.poll(Duration.ofMillis(100));
      }
    }
  }

  private final class SayReady implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      console.print(READY);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      // What was polled is committed before the next poll.
    }
  }
}
