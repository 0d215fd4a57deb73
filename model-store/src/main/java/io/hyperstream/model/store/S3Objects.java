package io.hyperstream.model.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.SystemSettingsRegionProvider;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * The few operations a store needs on the objects of one bucket and prefix. Each is tried again
 * with growing pauses while the server does not answer or says that it cannot now. Any thread.
 */
final class S3Objects implements AutoCloseable {
  /** Larger files travel in parts of this size: what is lost with a connection is at most that. */
  static final long PART_BYTES = 32L << 20;

  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration SILENCE = Duration.ofSeconds(30);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(20);
  private static final int PRECONDITION_FAILED = 412;
  private static final int CONFLICT = 409;
  private static final int NOT_FOUND = 404;

  private final S3Location location;
  private final int attempts;
  private final S3Client client;
  private final S3Failures failures;

  /** An object's key below the prefix, and when it was last written, by the server's clock. */
  record Entry(String key, Instant written) {}

  S3Objects(S3Location location, S3Options options) {
    this.location = location;
    this.attempts = options.attempts();
    Optional<String> elsewhere =
        options
            .endpoint()
            .map(URI::toString)
            .or(() -> Optional.ofNullable(System.getenv("AWS_ENDPOINT_URL_S3")))
            .or(() -> Optional.ofNullable(System.getenv("AWS_ENDPOINT_URL")));
    this.failures = new S3Failures(location, elsewhere.orElse("Amazon S3"));
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(SILENCE))
            .overrideConfiguration(o -> o.retryStrategy(retries(options.attempts())))
            .forcePathStyle(options.pathStyle().orElse(elsewhere.isPresent()))
            // Everything is held against its SHA-256 here, and not every server knows the others.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
    options.endpoint().ifPresent(builder::endpointOverride);
    region(options, elsewhere.isPresent()).ifPresent(builder::region);
    options
        .keys()
        .ifPresent(
            keys -> builder.credentialsProvider(StaticCredentialsProvider.create(signer(keys))));
    this.client = builder.build();
  }

  private static RetryStrategy retries(int attempts) {
    BackoffStrategy pauses = BackoffStrategy.exponentialDelay(FIRST_PAUSE, LONGEST_PAUSE);
    return AwsRetryStrategy.standardRetryStrategy().toBuilder()
        .maxAttempts(attempts)
        .backoffStrategy(pauses)
        .throttlingBackoffStrategy(pauses)
        .circuitBreakerEnabled(false) // would give up early once an outage has begun
        .build();
  }

  /** Servers elsewhere seldom have regions; Amazon's machines would be asked for theirs. */
  private static Optional<Region> region(S3Options options, boolean elsewhere) {
    if (options.region().isPresent() || !elsewhere) {
      return options.region().map(Region::of);
    }
    try {
      return Optional.of(
          new AwsRegionProviderChain(
                  new SystemSettingsRegionProvider(), new AwsProfileRegionProvider())
              .getRegion());
    } catch (SdkException e) {
      return Optional.of(Region.US_EAST_1);
    }
  }

  private static AwsCredentials signer(S3Options.Keys keys) {
    return keys.sessionToken()
        .<AwsCredentials>map(token -> AwsSessionCredentials.create(keys.id(), keys.secret(), token))
        .orElseGet(() -> AwsBasicCredentials.create(keys.id(), keys.secret()));
  }

  /** Keys below a prefix, in S3's order. */
  List<Entry> list(String prefix) throws IOException {
    return call(
        "list",
        prefix,
        () -> {
          List<Entry> entries = new ArrayList<>();
          int ours = location.prefix().length();
          client
              .listObjectsV2Paginator(
                  r -> r.bucket(location.bucket()).prefix(location.prefix() + prefix))
              .contents()
              .forEach(o -> entries.add(new Entry(o.key().substring(ours), o.lastModified())));
          return List.copyOf(entries);
        });
  }

  /** An object's size; empty if it is not there. */
  OptionalLong size(String key) throws IOException {
    Optional<HeadObjectResponse> head = head(key);
    return head.isPresent() ? OptionalLong.of(head.get().contentLength()) : OptionalLong.empty();
  }

  /** When an object was last written; empty if it is not there. */
  Optional<Instant> written(String key) throws IOException {
    return head(key).map(HeadObjectResponse::lastModified);
  }

  private Optional<HeadObjectResponse> head(String key) throws IOException {
    return call(
        "look at",
        key,
        () -> {
          for (int attempt = 0; attempt < attempts; attempt++) {
            Optional<HeadObjectResponse> head = askForHead(location.prefix() + key);
            // The JDK's transport takes a head that breaks off for a short one.
            if (head.isEmpty()
                || (head.get().contentLength() != null && head.get().lastModified() != null)) {
              return head;
            }
          }
          throw SdkClientException.create("its answers break off");
        });
  }

  private Optional<HeadObjectResponse> askForHead(String key) {
    try {
      return Optional.of(client.headObject(r -> r.bucket(location.bucket()).key(key)));
    } catch (S3Exception e) {
      if (e.statusCode() == NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * Reads a small object.
   *
   * @throws IOException if it is larger
   */
  byte[] read(String key, int maxBytes) throws IOException {
    Optional<byte[]> bytes =
        call(
            "read",
            key,
            () ->
                client.getObject(
                    r -> r.bucket(location.bucket()).key(location.prefix() + key),
                    (response, in) -> {
                      try {
                        byte[] read = in.readNBytes(maxBytes + 1);
                        if (read.length > maxBytes) {
                          in.abort();
                          return Optional.<byte[]>empty();
                        }
                        requireWhole(response, read.length);
                        return Optional.of(read);
                      } catch (IOException e) {
                        throw RetryableException.create("the answer broke off", e);
                      }
                    }));
    return bytes.orElseThrow(
        () -> new IOException(location.uri(key) + " has more than " + maxBytes + " bytes"));
  }

  private static void requireWhole(GetObjectResponse response, long bytes) throws IOException {
    if (response.contentLength() != null && response.contentLength() != bytes) {
      throw new IOException(bytes + " of " + response.contentLength() + " bytes came");
    }
  }

  /**
   * Downloads an object, part by part, into a new file, and flushes it to the disk.
   *
   * @param size it should have; not a byte more is written
   */
  void download(String key, long size, Path target) throws IOException {
    try (FileChannel out =
        FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (long at = 0; at < size; at += PART_BYTES) {
        long from = at;
        long length = Math.min(PART_BYTES, size - at);
        call(
            "read",
            key,
            () ->
                client.getObject(
                    r ->
                        r.bucket(location.bucket())
                            .key(location.prefix() + key)
                            .range("bytes=" + from + "-" + (from + length - 1)),
                    part(out, from, length)));
      }
      out.force(true);
    }
  }

  private static ResponseTransformer<GetObjectResponse, Long> part(
      FileChannel out, long from, long length) {
    return (response, in) -> {
      byte[] buffer = new byte[1 << 16];
      long done = 0;
      try {
        for (int n = in.read(buffer); n >= 0 && done + n <= length; n = in.read(buffer)) {
          ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
          while (bytes.hasRemaining()) {
            done += out.write(bytes, from + done);
          }
        }
      } catch (IOException e) {
        throw RetryableException.create("the answer broke off", e);
      }
      if (done != length) { // S3's own answers fit; another attempt tells a broken connection
        throw RetryableException.create(
            done + " of " + length + " bytes came: the object is shorter or the answer broke off");
      }
      return done;
    };
  }

  /** Uploads a file; it appears whole or not at all. */
  void upload(String key, Path file) throws IOException {
    long size = Files.size(file);
    if (size <= PART_BYTES) {
      call(
          "write",
          key,
          () ->
              client.putObject(
                  r -> r.bucket(location.bucket()).key(location.prefix() + key),
                  body(file, 0, size)));
    } else {
      call("write", key, () -> uploadInParts(location.prefix() + key, file, size));
    }
  }

  private String uploadInParts(String key, Path file, long size) {
    String bucket = location.bucket();
    String upload = client.createMultipartUpload(r -> r.bucket(bucket).key(key)).uploadId();
    try {
      List<CompletedPart> parts = new ArrayList<>();
      for (long at = 0; at < size; at += PART_BYTES) {
        long length = Math.min(PART_BYTES, size - at);
        int number = parts.size() + 1;
        String tag =
            client
                .uploadPart(
                    r -> r.bucket(bucket).key(key).uploadId(upload).partNumber(number),
                    body(file, at, length))
                .eTag();
        if (tag == null) {
          throw SdkClientException.create("the answer to part " + number + " broke off");
        }
        parts.add(CompletedPart.builder().partNumber(number).eTag(tag).build());
      }
      client.completeMultipartUpload(
          r -> r.bucket(bucket).key(key).uploadId(upload).multipartUpload(m -> m.parts(parts)));
      return upload;
    } catch (SdkException e) {
      try {
        client.abortMultipartUpload(r -> r.bucket(bucket).key(key).uploadId(upload));
      } catch (SdkException suppressed) { // a rule of the bucket for unfinished uploads ends it
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /** Opened again by every attempt. */
  private static RequestBody body(Path file, long from, long length) {
    return RequestBody.fromContentProvider(
        () -> {
          try {
            return new Part(file, from, length);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException("cannot read " + file, e);
          }
        },
        length,
        "application/octet-stream");
  }

  void write(String key, byte[] bytes) throws IOException {
    call(
        "write",
        key,
        () ->
            client.putObject(
                r -> r.bucket(location.bucket()).key(location.prefix() + key),
                RequestBody.fromBytes(bytes)));
  }

  /**
   * Writes an object unless there is one.
   *
   * @return false if there was one. After an answer that got lost it may be this one: look at it.
   */
  boolean create(String key, byte[] bytes) throws IOException {
    return call(
        "create",
        key,
        () -> {
          try {
            client.putObject(
                r ->
                    r.bucket(location.bucket())
                        .key(location.prefix() + key)
                        .contentType("application/json")
                        .ifNoneMatch("*"),
                RequestBody.fromBytes(bytes));
            return true;
          } catch (S3Exception e) {
            if (e.statusCode() == PRECONDITION_FAILED || e.statusCode() == CONFLICT) {
              return false;
            }
            throw e;
          }
        });
  }

  void delete(String key) throws IOException {
    call(
        "delete",
        key,
        () -> client.deleteObject(r -> r.bucket(location.bucket()).key(location.prefix() + key)));
  }

  private <T> T call(String what, String key, Supplier<T> request) throws IOException {
    try {
      return request.get();
    } catch (SdkException e) {
      throw failures.of(what, key, e);
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public void close() {
    client.close();
  }

  /** A stretch of a file. */
  private static final class Part extends FilterInputStream {
    private long left;

    Part(Path file, long from, long length) throws IOException {
      super(
          Channels.newInputStream(FileChannel.open(file, StandardOpenOption.READ).position(from)));
      left = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int n = in.read(bytes, offset, (int) Math.min(length, left));
      left -= Math.max(0, n);
      return n;
    }

    @Override
    public long skip(long n) throws IOException {
      long skipped = in.skip(Math.min(n, left));
      left -= skipped;
      return skipped;
    }

    @Override
    public int available() throws IOException {
      return (int) Math.min(in.available(), left);
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }
}
