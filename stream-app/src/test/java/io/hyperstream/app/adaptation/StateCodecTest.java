package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredRequest;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("State on disk")
class StateCodecTest {

  @Test
  @DisplayName("is read back as it was written")
  void roundTrip() {
    StateCodec<TaskState> codec = StateCodec.of(TaskState.class);
    TaskState state =
        TaskState.newBuilder()
            .setIncarnation(3)
            .setDefinition(ByteBuffer.wrap(new byte[] {1, 2, 3}))
            .setModelId("m")
            .build();
    assertThat(codec.decode(codec.encode(state))).isEqualTo(state);
  }

  private static Schema older() {
    Schema now = StoredExample.getClassSchema();
    List<Schema.Field> fields =
        now.getFields().stream()
            .filter(field -> !List.of("source", "leaving", "aside").contains(field.name()))
            .map(field -> new Schema.Field(field, field.schema()))
            .toList();
    return Schema.createRecord(now.getName(), null, now.getNamespace(), false, fields);
  }

  private static byte[] writtenByOlder() throws Exception {
    GenericRecord record = new GenericData.Record(older());
    record.put("text", "a");
    record.put("label", "good");
    record.put("sequence", 7L);
    record.put("heldOut", true);
    ByteBuffer bytes =
        new BinaryMessageEncoder<GenericRecord>(GenericData.get(), older()).encode(record);
    return SourcedRecords.bytes(bytes);
  }

  @Test
  @DisplayName("written by an earlier version is read with defaults for what is new")
  void earlier() throws Exception {
    StoredExample read =
        StateCodec.of(StoredExample.class, List.of(older())).decode(writtenByOlder());
    assertThat(read.getText()).isEqualTo("a");
    assertThat(read.getSequence()).isEqualTo(7);
    assertThat(read.getSource()).isEmpty();
  }

  @Test
  @DisplayName(
      "of tasks is read as every earlier release wrote it: nothing pinned, nothing counted")
  void earlierTasks() throws Exception {
    int read = 0;
    JsonNode earlier;
    try (InputStream in = StateCodec.class.getResourceAsStream("earlier-states.json")) {
      earlier = new ObjectMapper().readTree(in);
    }
    for (JsonNode node : earlier) {
      Schema schema = new Schema.Parser().parse(node.toString());
      if (!schema.getName().equals("TaskState")) {
        continue;
      }
      GenericRecord progress =
          new GenericRecordBuilder(schema.getField("models").schema().getValueType())
              .set("champion", 3L)
              .build();
      GenericRecord task =
          new GenericRecordBuilder(schema)
              .set("models", Map.of("m", progress))
              .set("tested", 9L)
              .build();
      byte[] bytes =
          SourcedRecords.bytes(
              new BinaryMessageEncoder<GenericRecord>(GenericData.get(), schema).encode(task));
      TaskState state = StateCodec.of(TaskState.class).decode(bytes);
      assertThat(state.getTested()).isEqualTo(9);
      assertThat(state.getModels().get("m"))
          .isEqualTo(ModelProgress.newBuilder().setChampion(3).build());
      read++;
    }
    assertThat(read).isEqualTo(3);
  }

  @Test
  @DisplayName("written with an unknown schema is an error that says so")
  void unknown() throws Exception {
    byte[] written = writtenByOlder();
    StateCodec<StoredExample> codec = StateCodec.of(StoredExample.class, List.of());
    assertThatThrownBy(() -> codec.decode(written))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("another version of the application");
  }

  static Map<Schema, String> schemas() {
    return Map.of(
        TaskState.getClassSchema(), "c3e1cc6d14d9c5b6",
        StoredExample.getClassSchema(), "d6d7ad656ee9a011",
        StoredVector.getClassSchema(), "f2712a7d6128354e",
        StoredVersion.getClassSchema(), "491d23f63e4a1923",
        StoredRequest.getClassSchema(), "3dda6891d300f377",
        WaitingRecord.getClassSchema(), "1e6dc4096794e6c7",
        SourcedRecord.getClassSchema(), "57204fbc7bbe245e");
  }

  @ParameterizedTest
  @MethodSource("entries")
  @DisplayName("has the schema it had, or the one it had is kept")
  void pinned(Schema schema, String fingerprint) {
    assertThat(Long.toHexString(SchemaNormalization.parsingFingerprint64(schema)))
        .as(
            "%s has changed: state that is on disk was written with the schema before. Append that"
                + " one to earlier-states.json, give every new field a default, then change the"
                + " fingerprint here.",
            schema.getName())
        .isEqualTo(fingerprint);
  }

  static List<Object[]> entries() {
    return schemas().entrySet().stream()
        .map(entry -> new Object[] {entry.getKey(), entry.getValue()})
        .toList();
  }
}
