package io.hyperstream.model.store;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;

/** Turns what S3 and its client throw into a sentence that says what to do. */
final class S3Failures {
  private final S3Location location;
  private final String server;

  /**
   * @param server who is asked, for messages
   */
  S3Failures(S3Location location, String server) {
    this.location = location;
    this.server = server;
  }

  /**
   * What an exception means.
   *
   * @param what was tried, as in "cannot WHAT"
   * @param key of the object
   */
  IOException of(String what, String key, SdkException failure) {
    String cannot = "cannot " + what + " " + location.uri(key) + ": ";
    return failure instanceof AwsServiceException refusal
        ? refused(cannot, key, refusal)
        : unanswered(cannot, failure);
  }

  private IOException refused(String cannot, String key, AwsServiceException refusal) {
    String code = refusal.awsErrorDetails() == null ? "" : refusal.awsErrorDetails().errorCode();
    String error = code == null || code.isEmpty() ? "HTTP " + refusal.statusCode() : code;
    String advice =
        switch (error) {
          case "NoSuchBucket" ->
              "there is no bucket " + location.bucket() + "; create it or correct the address";
          case "InvalidAccessKeyId", "SignatureDoesNotMatch" ->
              "the credentials are wrong; check access key and secret";
          case "ExpiredToken", "InvalidToken", "TokenRefreshRequired" ->
              "the temporary credentials have run out; get new ones";
          case "AccessDenied", "AllAccessDisabled", "Forbidden", "HTTP 403" ->
              "access denied; the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject"
                  + " below the prefix and s3:ListBucket on the bucket";
          case "RequestTimeTooSkewed" ->
              "this machine's clock differs too much from the server's; set it (NTP)";
          case "PermanentRedirect",
              "AuthorizationHeaderMalformed",
              "IllegalLocationConstraintException",
              "HTTP 301" ->
              "the bucket is in another region; set hyperstream.model.s3.region or AWS_REGION";
          case "NotImplemented", "HTTP 501" ->
              "the server does not know this request; stores need conditional writes"
                  + " (If-None-Match) and multipart uploads";
          default -> "";
        };
    if (error.equals("NoSuchKey") || error.equals("HTTP 404")) {
      return new NoSuchFileException(location.uri(key), null, cannot + "it is not there");
    }
    int status = refusal.statusCode(); // below 100: an answer that broke off in its first line
    boolean outage = status < 100 || (status >= 500 && status != 501);
    String told = refusal.awsErrorDetails() == null ? "" : refusal.awsErrorDetails().errorMessage();
    String detail = told == null || told.isBlank() ? "" : " (" + oneLine(told) + ")";
    String sentence =
        advice.isEmpty() ? server + " answered " + error : advice + "; " + server + ": " + error;
    return new S3StoreException(cannot + sentence + detail, outage, refusal);
  }

  private IOException unanswered(String cannot, SdkException failure) {
    String message = String.valueOf(failure.getMessage());
    String lower = message.toLowerCase(Locale.ROOT);
    if (lower.contains("unable to load credentials")) {
      return new S3StoreException(
          cannot
              + "no credentials; set hyperstream.model.s3.access-key-id and .secret-access-key, or"
              + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role that AWS's"
              + " tools find",
          false,
          failure);
    }
    if (lower.contains("unable to load region")) {
      return new S3StoreException(
          cannot + "no region; set hyperstream.model.s3.region or AWS_REGION", false, failure);
    }
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String reason = root == failure ? message : root.toString();
    return new S3StoreException(
        cannot + server + " does not answer (" + oneLine(reason) + ")", true, failure);
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }
}
