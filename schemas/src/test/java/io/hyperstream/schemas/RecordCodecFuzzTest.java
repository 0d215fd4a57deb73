package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.testing.Allocation;
import io.hyperstream.testing.Mutations;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificRecord;

@Label("Bytes from anyone")
class RecordCodecFuzzTest {
  private static final Topics TOPICS = new Topics(Topics.Settings.defaults());

  /** A record may claim more than it has: at most so much is set aside before that shows. */
  private static final long MOST_BYTES = 100L << 20;

  private final RecordCodec codec;
  private final List<Topic> topics = new ArrayList<>();
  private final List<byte[]> examples = new ArrayList<>();

  RecordCodecFuzzTest() throws Exception {
    SchemaRegistryClient registry = SchemaRegistries.connect("mock://fuzz", Map.of());
    new SchemaRegistrar(registry, TOPICS).register(Duration.ZERO);
    codec = new RecordCodec(registry);
    for (SpecificRecord record : Records.oneOfEach()) {
      Topic topic =
          TOPICS.all().stream()
              .filter(t -> t.value().filter(type -> type == record.getClass()).isPresent())
              .findFirst()
              .orElseThrow();
      topics.add(topic);
      examples.add(codec.serialize(topic.name(), record));
    }
  }

  @Property(seed = "1")
  @Label("are a record or undecodable, and take bounded memory either way")
  void damaged(@ForAll long seed) throws Exception {
    byte[] bytes = Mutations.of(examples, seed);
    for (int i = 0; i < topics.size(); i++) {
      Topic topic = topics.get(i);
      long allocated = Allocation.of(() -> decode(topic, bytes));
      assertThat(allocated).as(() -> Arrays.toString(bytes)).isLessThan(MOST_BYTES);
    }
  }

  private void decode(Topic topic, byte[] bytes) {
    Class<? extends SpecificRecord> type = topic.value().orElseThrow();
    try {
      SpecificRecord record = codec.deserialize(topic.name(), bytes, type);
      assertThat(record).isInstanceOf(type);
    } catch (UndecodableRecordException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Example
  @Label("that claim a text, bytes, a list or a map of two billion take next to nothing")
  void claims() throws Exception {
    InferenceRequest request = Records.request().build();
    byte[] good = codec.serialize(TOPICS.requests().name(), request);
    refused(TOPICS.requests(), good, out -> out.writeLong(Integer.MAX_VALUE - 8));
    refused(TOPICS.requests(), good, out -> out.writeLong(Long.MAX_VALUE));
    refused(TOPICS.requests(), good, out -> out.writeLong(-1));
    refused( // requestId, taskId, text, no pair, then the map of attributes
        TOPICS.requests(),
        good,
        out -> {
          for (int i = 0; i < 3; i++) {
            out.writeString("x");
          }
          out.writeIndex(0);
          out.writeLong(1 << 30);
          out.writeString("k");
          out.writeString("v");
        });
    byte[] task = codec.serialize(TOPICS.definitions().name(), taskDefinition());
    refused( // taskId, kind, then the list of labels
        TOPICS.definitions(),
        task,
        out -> {
          out.writeString("x");
          out.writeEnum(1);
          out.writeLong(Integer.MAX_VALUE - 8);
        });
  }

  private static TaskDefinition taskDefinition() {
    return (TaskDefinition)
        Records.oneOfEach().stream().filter(TaskDefinition.class::isInstance).findFirst().get();
  }

  @FunctionalInterface
  private interface Fields {
    void write(BinaryEncoder out) throws Exception;
  }

  private void refused(Topic topic, byte[] good, Fields fields) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(good, 0, 5);
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    fields.write(encoder);
    encoder.flush();
    long allocated =
        Allocation.of(
            () ->
                assertThatThrownBy(
                        () ->
                            codec.deserialize(
                                topic.name(), bytes.toByteArray(), topic.value().orElseThrow()))
                    .isInstanceOf(UndecodableRecordException.class));
    assertThat(allocated).isLessThan(MOST_BYTES);
  }
}
