package io.hyperstream.app.adaptation;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.adaptation.state.TaskState;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.message.MissingSchemaException;
import org.apache.avro.message.SchemaStore;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.avro.util.ClassSecurityValidator;
import org.apache.avro.util.ClassSecurityValidator.ClassSecurityPredicate;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * One kind of internal record to bytes and back, in Avro's single-object encoding: the bytes name
 * the schema they were written with. Thread-safe.
 *
 * <p>To change a record: add fields with defaults only, and append the schema as it was to {@code
 * earlier-states.json}, so that state written before can still be read. A test reminds of it.
 */
final class StateCodec<T extends SpecificRecord> {
  private static final String EARLIER = "earlier-states.json";

  static {
    // Avro instantiates only classes it was told to trust.
    String records = TaskState.class.getPackageName();
    ClassSecurityValidator.setGlobal(
        ClassSecurityValidator.composite(
            ClassSecurityValidator.getGlobal(),
            (ClassSecurityPredicate) type -> type.getPackageName().equals(records)));
  }

  private final BinaryMessageEncoder<T> encoder;
  private final BinaryMessageDecoder<T> decoder;

  private StateCodec(Class<T> type, List<Schema> earlier) {
    SpecificData data = SpecificData.getForClass(type);
    Schema schema = data.getSchema(type);
    SchemaStore.Cache known = new SchemaStore.Cache();
    earlier.forEach(known::addSchema);
    encoder = new BinaryMessageEncoder<>(data, schema);
    decoder = new BinaryMessageDecoder<>(data, schema, known);
  }

  static <T extends SpecificRecord> StateCodec<T> of(Class<T> type) {
    return new StateCodec<>(type, earlier());
  }

  /**
   * @param earlier schemas that records may have been written with
   */
  static <T extends SpecificRecord> StateCodec<T> of(Class<T> type, List<Schema> earlier) {
    return new StateCodec<>(type, earlier);
  }

  /** For a store. */
  static <T extends SpecificRecord> Serde<T> serde(Class<T> type) {
    StateCodec<T> codec = of(type);
    return Serdes.serdeFrom(
        (topic, record) -> record == null ? null : codec.encode(record),
        (topic, bytes) -> bytes == null ? null : codec.decode(bytes));
  }

  private static List<Schema> earlier() {
    try (InputStream in = StateCodec.class.getResourceAsStream(EARLIER)) {
      List<Schema> schemas = new ArrayList<>();
      for (var node : new ObjectMapper().readTree(in)) {
        schemas.add(new Schema.Parser().parse(node.toString()));
      }
      return schemas;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  byte[] encode(T record) {
    try {
      ByteBuffer encoded = encoder.encode(record);
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  T decode(byte[] bytes) {
    try {
      return decoder.decode(bytes, null);
    } catch (IOException | MissingSchemaException e) {
      throw new IllegalStateException(
          "adaptation state was written by another version of the application: " + e.getMessage(),
          e);
    }
  }
}
