package io.hyperstream.schemas;

import io.confluent.kafka.schemaregistry.ParsedSchema;
import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import io.confluent.kafka.serializers.AbstractKafkaSchemaSerDeConfig;
import io.confluent.kafka.serializers.KafkaAvroDeserializer;
import io.confluent.kafka.serializers.KafkaAvroDeserializerConfig;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import io.confluent.kafka.serializers.KafkaAvroSerializerConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.KafkaException;

/**
 * Records to bytes and back in Confluent's wire format, by Confluent's own serializer, for
 * topologies that carry bytes. Tells apart what can never be decoded ({@link
 * UndecodableRecordException}) from a registry that cannot be asked right now ({@link
 * RegistryUnavailableException}). Thread-safe. Registers nothing: {@link SchemaRegistrar} does.
 */
public final class RecordCodec implements AutoCloseable {
  // Avro believes what a record says of its lengths and sets aside as much: ten bytes could claim
  // two gigabytes. Larger than any record, small enough for any heap; read once, by its decoder.
  static {
    limit("string", 64 << 20);
    limit("bytes", 64 << 20);
    limit("collectionItems", 1 << 20);
  }

  /**
   * For a follower of the registry's leader to learn of a schema: what decides over records for
   * good gives it that long.
   */
  public static final Duration GRACE = Duration.ofSeconds(5);

  private static final long FORGOTTEN_NANOS = Duration.ofMinutes(10).toNanos();
  private static final int MOST_UNKNOWN = 10_000;
  private static final byte MAGIC = 0;
  private static final int FRAME_BYTES = 5;

  private final SchemaRegistryClient registry;
  private final long graceNanos;
  private final LongSupplier nanoTime;
  private final Map<String, Long> unknownSince = // guarded by itself; by subject and id
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
          return size() > MOST_UNKNOWN;
        }
      };
  private final ConcurrentMap<Class<?>, AvroSchema> schemas = new ConcurrentHashMap<>();
  private final KafkaAvroSerializer serializer;
  private final KafkaAvroDeserializer deserializer;

  private static void limit(String of, int most) {
    String property = "org.apache.avro.limits." + of + ".maxLength";
    if (System.getProperty(property) == null) {
      System.setProperty(property, Integer.toString(most));
    }
  }

  /**
   * Takes the registry's word at once.
   *
   * @param registry shared; stays open when the codec is closed
   */
  public RecordCodec(SchemaRegistryClient registry) {
    this(registry, Duration.ZERO);
  }

  /**
   * Waits for schemas the registry does not know yet.
   *
   * @param registry shared; stays open when the codec is closed
   * @param grace how long after a schema was first asked for the registry may answer that there is
   *     none, and still be taken for {@linkplain RegistryUnavailableException not ready}
   */
  public RecordCodec(SchemaRegistryClient registry, Duration grace) {
    this(registry, grace, System::nanoTime);
  }

  RecordCodec(SchemaRegistryClient registry, Duration grace, LongSupplier nanoTime) {
    this.registry = registry;
    this.graceNanos = grace.toNanos();
    this.nanoTime = nanoTime;
    this.serializer = new KafkaAvroSerializer(registry, serializerConfigs("unused://"));
    this.deserializer = new KafkaAvroDeserializer(registry, deserializerConfigs("unused://"));
  }

  /** Settings for a plain {@link KafkaAvroSerializer} that writes what this codec writes. */
  public static Map<String, Object> serializerConfigs(String registryUrl) {
    return Map.of(
        AbstractKafkaSchemaSerDeConfig.SCHEMA_REGISTRY_URL_CONFIG,
        registryUrl,
        AbstractKafkaSchemaSerDeConfig.AUTO_REGISTER_SCHEMAS,
        false,
        AbstractKafkaSchemaSerDeConfig.USE_LATEST_VERSION,
        false,
        // Schemas are registered without Java's own properties, so look them up without.
        KafkaAvroSerializerConfig.AVRO_REMOVE_JAVA_PROPS_CONFIG,
        true,
        KafkaAvroSerializerConfig.AVRO_USE_LOGICAL_TYPE_CONVERTERS_CONFIG,
        true);
  }

  /** Settings for a plain {@link KafkaAvroDeserializer} that reads the generated records. */
  public static Map<String, Object> deserializerConfigs(String registryUrl) {
    return Map.of(
        AbstractKafkaSchemaSerDeConfig.SCHEMA_REGISTRY_URL_CONFIG,
        registryUrl,
        KafkaAvroDeserializerConfig.SPECIFIC_AVRO_READER_CONFIG,
        true,
        KafkaAvroDeserializerConfig.AVRO_USE_LOGICAL_TYPE_CONVERTERS_CONFIG,
        true);
  }

  /**
   * The record's bytes: magic 0, schema id, Avro binary.
   *
   * @throws RegistryUnavailableException if the schema's id cannot be had, also because the schema
   *     is not registered: that is not the record's fault
   * @throws IllegalArgumentException if the record lacks a required field
   */
  public byte[] serialize(String topic, SpecificRecord record) {
    checkRegistered(topic, record);
    try {
      return serializer.serialize(topic, record);
    } catch (KafkaException e) {
      if (isRegistryFailure(e)) {
        throw new RegistryUnavailableException(
            "the schema registry failed on a record of " + topic + ": " + reasonOf(e), e);
      }
      throw new IllegalArgumentException(
          "cannot encode " + record.getSchema().getFullName() + ": " + reasonOf(e), e);
    }
  }

  /** Asks for the schema's id first, so that what fails afterwards is the record's fault. */
  private void checkRegistered(String topic, SpecificRecord record) {
    AvroSchema schema =
        schemas.computeIfAbsent(
            record.getClass(), type -> new AvroSchema(Subjects.schemaOf(record.getClass())));
    String subject = Subjects.ofValue(topic);
    try {
      registry.getId(subject, schema, false);
    } catch (IOException | RestClientException e) {
      throw new RegistryUnavailableException(
          "cannot look up the schema of "
              + schema.name()
              + " under "
              + subject
              + " in the schema registry: "
              + reasonOf(e),
          e);
    }
  }

  /**
   * The record in these bytes, whichever compatible version of the schema wrote them.
   *
   * @param value Confluent's wire format; null (a tombstone) is no record
   * @throws UndecodableRecordException if these bytes never will be a record of this type
   * @throws RegistryUnavailableException if the registry could not be asked, or does not know the
   *     schema yet
   */
  public <T extends SpecificRecord> T deserialize(String topic, byte[] value, Class<T> type) {
    Schema expected = SpecificData.get().getSchema(type);
    int schemaId = schemaIdOf(value, expected);
    checkSchema(topic, schemaId, expected);
    try {
      return type.cast(deserializer.deserialize(topic, value, expected));
    } catch (KafkaException | ClassCastException e) {
      if (isRegistryFailure(e)) {
        throw new RegistryUnavailableException(
            "the schema registry failed on a record of " + topic + ": " + reasonOf(e), e);
      }
      throw new UndecodableRecordException(
          "the bytes after schema id "
              + schemaId
              + " are no "
              + expected.getFullName()
              + ": "
              + reasonOf(e),
          e);
    }
  }

  private static int schemaIdOf(byte[] value, Schema expected) {
    if (value == null) {
      throw new UndecodableRecordException(
          "expected a " + expected.getFullName() + ", got no value (a tombstone)");
    }
    if (value.length < FRAME_BYTES || value[0] != MAGIC) {
      throw new UndecodableRecordException(
          "expected Confluent's wire format (a zero byte, four bytes of schema id, Avro binary), got "
              + value.length
              + " bytes"
              + (value.length == 0 ? "" : " starting with " + value[0])
              + "; produce with KafkaAvroSerializer or a compatible client");
    }
    int schemaId = ByteBuffer.wrap(value, 1, 4).getInt();
    if (schemaId < 1) {
      throw new UndecodableRecordException("schema ids are positive; got " + schemaId);
    }
    return schemaId;
  }

  /**
   * Asks for the writer's schema first, so that what fails afterwards is the bytes' fault. The
   * client caches by the same key as the deserializer: one request per schema, not two.
   */
  private void checkSchema(String topic, int schemaId, Schema expected) {
    ParsedSchema written;
    try {
      written = registry.getSchemaBySubjectAndId(Subjects.ofValue(topic), schemaId);
    } catch (RestClientException e) {
      if (isUnknown(e) && mayStillCome(Subjects.ofValue(topic), schemaId)) {
        throw new RegistryUnavailableException(
            "the schema registry does not know schema " + schemaId + " of " + topic + " yet", e);
      }
      if (isAboutTheSchema(e)) {
        throw new UndecodableRecordException(
            "the schema registry has no schema "
                + schemaId
                + ": "
                + e.getMessage()
                + "; was the record produced with another registry?",
            e);
      }
      throw new RegistryUnavailableException(
          "the schema registry failed on schema "
              + schemaId
              + " of "
              + topic
              + ": "
              + RegistryAnswer.of(e),
          e);
    } catch (IOException e) {
      if (reasonOf(e).startsWith("Invalid schema")) { // the client's words for an unknown kind
        throw new UndecodableRecordException("schema " + schemaId + " is not Avro", e);
      }
      throw new RegistryUnavailableException(
          "the schema registry cannot be reached for schema " + schemaId + ": " + reasonOf(e), e);
    }
    if (!(written instanceof AvroSchema avro)) {
      throw new UndecodableRecordException(
          "schema " + schemaId + " is " + written.schemaType() + ", expected AVRO");
    }
    Schema writer = avro.rawSchema();
    if (writer.getType() != Schema.Type.RECORD
        || !writer.getFullName().equals(expected.getFullName())) {
      throw new UndecodableRecordException(
          "expected a "
              + expected.getFullName()
              + ", but schema "
              + schemaId
              + " is "
              + (writer.getType() == Schema.Type.RECORD ? writer.getFullName() : writer.getType()));
    }
  }

  private static boolean isUnknown(RestClientException e) {
    return e.getErrorCode() / 100 == 404;
  }

  /**
   * Whoever wrote the record knew the schema; the registry that is asked may be a moment behind.
   */
  private boolean mayStillCome(String subject, int schemaId) {
    if (graceNanos == 0) {
      return false;
    }
    long now = nanoTime.getAsLong();
    synchronized (unknownSince) {
      long since =
          unknownSince.merge(
              subject + "/" + schemaId,
              now,
              (before, again) -> again - before > FORGOTTEN_NANOS ? again : before);
      return now - since < graceNanos;
    }
  }

  /** Whether the registry answered and refused this very schema; a retry would change nothing. */
  private static boolean isAboutTheSchema(RestClientException e) {
    return isUnknown(e) || e.getErrorCode() / 100 == 422 || e.getErrorCode() == 400;
  }

  private static boolean isRegistryFailure(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RestClientException
          || cause instanceof java.net.SocketException
          || cause instanceof java.io.InterruptedIOException
          || cause instanceof java.net.UnknownHostException
          || cause instanceof javax.net.ssl.SSLException
          || cause instanceof org.apache.kafka.common.errors.RetriableException) {
        return true;
      }
    }
    return false;
  }

  private static String reasonOf(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    if (root instanceof RestClientException answer) {
      return RegistryAnswer.of(answer);
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }

  @Override
  public void close() {
    // The serializers would close the shared client; they hold nothing else.
  }
}
