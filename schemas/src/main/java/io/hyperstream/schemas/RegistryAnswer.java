package io.hyperstream.schemas;

import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

/** A schema registry's errors in words. Stateless. */
public final class RegistryAnswer {
  /** The client's own code for an answer it could not read; its message is then only "Error". */
  private static final int NOT_A_REGISTRYS = 50005;

  private RegistryAnswer() {}

  /** What it answered; half a sentence, without a secret. */
  public static String of(RestClientException answer) {
    return answer.getErrorCode() == NOT_A_REGISTRYS
        ? "HTTP "
            + answer.getStatus()
            + " without a registry's error message, so something else, such as a proxy or a login"
            + " page, may answer at its URL"
        : "HTTP " + answer.getStatus() + ", " + answer.getMessage();
  }
}
