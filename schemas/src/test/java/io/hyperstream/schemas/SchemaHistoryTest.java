package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import io.confluent.kafka.schemaregistry.CompatibilityLevel;
import io.confluent.kafka.schemaregistry.ParsedSchemaHolder;
import io.confluent.kafka.schemaregistry.SimpleParsedSchemaHolder;
import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaFormatter;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("The history of schemas")
class SchemaHistoryTest {
  private static final Path HISTORY = Path.of("src/main/avro/history");
  private static final Path CURRENT = Path.of("target/schema-history");

  static Stream<Class<? extends SpecificRecord>> records() {
    return new Topics(Topics.Settings.defaults())
        .all().stream().flatMap(topic -> topic.value().stream()).distinct();
  }

  @ParameterizedTest
  @MethodSource("records")
  @DisplayName("ends with the current schema")
  void endsWithTheCurrentSchema(Class<? extends SpecificRecord> type) throws IOException {
    Schema current = Subjects.schemaOf(type);
    List<Schema> history = history(type);
    Path written = CURRENT.resolve(file(type, history.size() + 1));
    Files.createDirectories(CURRENT);
    Files.writeString(written, pretty(current) + "\n");

    String latest = history.isEmpty() ? "" : pretty(history.get(history.size() - 1));
    assertThat(pretty(current))
        .as(
            """
            The schema of %s (its documentation counts) is not the last one in %s.
            If the change is meant: run 'cp schemas/%s schemas/%s' and commit that file. \
            Never edit an earlier version: records written with it are in users' topics.""",
            type.getSimpleName(), HISTORY, written, HISTORY)
        .isEqualTo(latest);
  }

  @ParameterizedTest
  @MethodSource("records")
  @DisplayName("is FULL_TRANSITIVE compatible at every step")
  void isFullyCompatible(Class<? extends SpecificRecord> type) throws IOException {
    List<Schema> versions = new ArrayList<>(history(type));
    versions.add(Subjects.schemaOf(type));

    for (int i = 1; i < versions.size(); i++) {
      assertThat(incompatibilities(versions.get(i), versions.subList(0, i)))
          .as(
              "version %d of %s against all before it: give added fields a default, never remove or"
                  + " retype a field that has none",
              i + 1, type.getSimpleName())
          .isEmpty();
    }
  }

  @Test
  @DisplayName("has no gap and no file without a record")
  void hasNoGap() throws IOException {
    TreeSet<String> expected = new TreeSet<>();
    for (Class<? extends SpecificRecord> type : records().toList()) {
      int versions = history(type).size();
      assertThat(versions).as("versions of %s", type.getSimpleName()).isPositive();
      for (int version = 1; version <= versions; version++) {
        expected.add(file(type, version));
      }
    }
    TreeSet<String> files = new TreeSet<>();
    try (Stream<Path> listing = Files.list(HISTORY)) {
      listing.forEach(path -> files.add(path.getFileName().toString()));
    }
    assertThat(files).isEqualTo(expected);
  }

  @Test
  @DisplayName(
      "lets a field with a default and an enum symbol come, and refuses what breaks readers")
  void checkerTellsCompatibleFromIncompatible() {
    Schema current = Subjects.schemaOf(TaskDefinition.class);
    String json = current.toString();
    Schema withField =
        new Schema.Parser()
            .parse(
                json.replaceFirst(
                    "\"fields\":\\[",
                    "\"fields\":[{\"name\":\"owner\",\"type\":\"string\",\"default\":\"\"},"));
    Schema withSymbol =
        new Schema.Parser().parse(json.replace("\"GENERATION\"", "\"GENERATION\",\"RANKING\""));
    Schema withRequiredField =
        new Schema.Parser()
            .parse(
                json.replaceFirst(
                    "\"fields\":\\[", "\"fields\":[{\"name\":\"owner\",\"type\":\"string\"},"));
    Schema retyped =
        new Schema.Parser()
            .parse(
                json.replaceFirst(
                    "\"name\":\"taskId\",\"type\":\"string\"",
                    "\"name\":\"taskId\",\"type\":\"long\""));

    assertThat(incompatibilities(withField, List.of(current))).isEmpty();
    assertThat(incompatibilities(withSymbol, List.of(current))).isEmpty();
    assertThat(incompatibilities(withRequiredField, List.of(current))).isNotEmpty();
    assertThat(incompatibilities(retyped, List.of(current))).isNotEmpty();
  }

  @Test
  @DisplayName("lets an earlier reader take a symbol it does not know for the enum's default")
  void unknownSymbol() throws IOException {
    TaskDefinition written =
        TaskDefinition.newBuilder()
            .setTaskId("desk")
            .setKind(TaskKind.REGRESSION)
            .setOverLength(OverLengthPolicy.WINDOWS)
            .build();
    Schema earlier = history(TaskDefinition.class).get(0);
    byte[] bytes = written.toByteBuffer().array();
    int header = 10; // of Avro's single-object encoding
    Object read =
        new GenericDatumReader<GenericRecord>(written.getSchema(), earlier)
            .read(
                null,
                DecoderFactory.get().binaryDecoder(bytes, header, bytes.length - header, null))
            .get("overLength");
    assertThat(read.toString()).isEqualTo(OverLengthPolicy.TRUNCATE.name());
  }

  @ParameterizedTest
  @MethodSource("records")
  @DisplayName("documents every record and every field, and gives every enum a default")
  void isDocumented(Class<? extends SpecificRecord> type) {
    List<String> gaps = new ArrayList<>();
    findGaps(Subjects.schemaOf(type), type.getSimpleName(), gaps);
    assertThat(gaps).isEmpty();
  }

  private static void findGaps(Schema schema, String where, List<String> gaps) {
    switch (schema.getType()) {
      case RECORD -> {
        if (schema.getDoc() == null) {
          gaps.add(where + " has no documentation");
        }
        for (Schema.Field field : schema.getFields()) {
          String name = where + "." + field.name();
          if (field.doc() == null) {
            gaps.add(name + " has no documentation");
          }
          findGaps(field.schema(), name, gaps);
        }
      }
      case ENUM -> {
        if (schema.getEnumDefault() == null || schema.getDoc() == null) {
          gaps.add(where + ": enum " + schema.getName() + " needs a default and documentation");
        }
      }
      case ARRAY -> findGaps(schema.getElementType(), where + "[]", gaps);
      case MAP -> findGaps(schema.getValueType(), where + "{}", gaps);
      case UNION -> schema.getTypes().forEach(part -> findGaps(part, where, gaps));
      default -> {}
    }
  }

  private static List<String> incompatibilities(Schema schema, List<Schema> previous) {
    List<ParsedSchemaHolder> holders = new ArrayList<>();
    previous.forEach(s -> holders.add(new SimpleParsedSchemaHolder(new AvroSchema(s))));
    return new AvroSchema(schema).isCompatible(CompatibilityLevel.FULL_TRANSITIVE, holders);
  }

  private static String pretty(Schema schema) {
    return SchemaFormatter.format("json/pretty", schema);
  }

  private static String file(Class<?> type, int version) {
    return type.getSimpleName() + ".v" + version + ".avsc";
  }

  private static List<Schema> history(Class<?> type) throws IOException {
    List<Schema> versions = new ArrayList<>();
    while (Files.exists(HISTORY.resolve(file(type, versions.size() + 1)))) {
      String json = Files.readString(HISTORY.resolve(file(type, versions.size() + 1)));
      versions.add(new Schema.Parser().parse(json));
    }
    return versions;
  }
}
