package io.hyperstream.schemas;

import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.avro.AvroSchemaUtils;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

/** Subject names (Confluent's TopicNameStrategy) and the schemas registered under them. */
public final class Subjects {
  private Subjects() {}

  /** The subject of a topic's values. Keys are plain strings and have none. */
  public static String ofValue(String topicName) {
    return topicName + "-value";
  }

  /** Every subject of the contract with its current schema, in the topics' order. */
  public static Map<String, AvroSchema> of(Topics topics) {
    Map<String, AvroSchema> subjects = new LinkedHashMap<>();
    for (Topic topic : topics.all()) {
      topic
          .value()
          .ifPresent(type -> subjects.put(ofValue(topic.name()), new AvroSchema(schemaOf(type))));
    }
    return subjects;
  }

  /**
   * A record's schema as it is registered: without the properties that only tell Java which string
   * class to use, exactly as the serializer looks it up.
   */
  public static Schema schemaOf(Class<? extends SpecificRecord> type) {
    Object instance = SpecificData.newInstance(type, SpecificData.get().getSchema(type));
    return AvroSchemaUtils.getSchema(instance, false, false, true);
  }
}
