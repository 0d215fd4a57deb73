/**
 * The contract between Hyperstream and everyone who talks to it through Kafka: the Avro records
 * (generated from {@code src/main/avro}), the topics they travel in, the registry subjects they are
 * registered under, and the genuine Confluent client configured for them. What a record means to
 * the model, and anything that imports a model, stays outside.
 */
package io.hyperstream.schemas;
