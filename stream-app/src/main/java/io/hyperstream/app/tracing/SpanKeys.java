package io.hyperstream.app.tracing;

import io.opentelemetry.api.common.AttributeKey;
import java.util.List;

/**
 * The attributes of our spans. Those of messaging, HTTP and errors are OpenTelemetry's semantic
 * conventions (1.45), the others our own; none holds what is in a text.
 */
public final class SpanKeys {
  public static final AttributeKey<String> MESSAGING_SYSTEM =
      AttributeKey.stringKey("messaging.system");
  public static final AttributeKey<String> MESSAGING_OPERATION_NAME =
      AttributeKey.stringKey("messaging.operation.name");
  public static final AttributeKey<String> MESSAGING_OPERATION_TYPE =
      AttributeKey.stringKey("messaging.operation.type");
  public static final AttributeKey<String> MESSAGING_DESTINATION =
      AttributeKey.stringKey("messaging.destination.name");
  public static final AttributeKey<String> MESSAGING_PARTITION =
      AttributeKey.stringKey("messaging.destination.partition.id");
  public static final AttributeKey<Long> MESSAGING_OFFSET =
      AttributeKey.longKey("messaging.kafka.offset");
  public static final AttributeKey<String> MESSAGING_GROUP =
      AttributeKey.stringKey("messaging.consumer.group.name");
  public static final AttributeKey<Long> MESSAGING_BODY_BYTES =
      AttributeKey.longKey("messaging.message.body.size");

  public static final AttributeKey<String> HTTP_METHOD =
      AttributeKey.stringKey("http.request.method");
  public static final AttributeKey<String> HTTP_ROUTE = AttributeKey.stringKey("http.route");
  public static final AttributeKey<String> URL_PATH = AttributeKey.stringKey("url.path");
  public static final AttributeKey<String> URL_SCHEME = AttributeKey.stringKey("url.scheme");
  public static final AttributeKey<Long> HTTP_STATUS =
      AttributeKey.longKey("http.response.status_code");

  /** A dead letter's code, or the class of what was thrown; never its message. */
  public static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

  public static final AttributeKey<String> REQUEST_ID =
      AttributeKey.stringKey("hyperstream.request.id");
  public static final AttributeKey<String> TASK_ID = AttributeKey.stringKey("hyperstream.task.id");
  public static final AttributeKey<Long> ADAPTER_VERSION =
      AttributeKey.longKey("hyperstream.adapter.version");

  /** The outcome of a request or of a job. */
  public static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("hyperstream.outcome");

  public static final AttributeKey<Long> BATCH_ROWS =
      AttributeKey.longKey("hyperstream.batch.rows");

  /** Of all rows, without padding. */
  public static final AttributeKey<Long> BATCH_TOKENS =
      AttributeKey.longKey("hyperstream.batch.tokens");

  /** Rows times the longest row's tokens. */
  public static final AttributeKey<Long> BATCH_PADDED_TOKENS =
      AttributeKey.longKey("hyperstream.batch.padded_tokens");

  public static final AttributeKey<List<String>> BATCH_TASKS =
      AttributeKey.stringArrayKey("hyperstream.batch.tasks");

  public static final AttributeKey<String> JOB_ID = AttributeKey.stringKey("hyperstream.job.id");

  /** What made it due, in a report's words. */
  public static final AttributeKey<String> JOB_TRIGGER =
      AttributeKey.stringKey("hyperstream.job.trigger");

  public static final AttributeKey<String> COMMAND_ID =
      AttributeKey.stringKey("hyperstream.command.id");
  public static final AttributeKey<Long> EXAMPLES = AttributeKey.longKey("hyperstream.examples");

  private SpanKeys() {}
}
