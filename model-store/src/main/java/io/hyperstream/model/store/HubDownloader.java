package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.family.ModelFamilies;
import io.hyperstream.model.family.ModelFamily;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Downloads a backbone from a hub into a folder. Every file is written aside ({@code .part}),
 * checked against the checksum the hub announces, and renamed; interrupted, it goes on where it was
 * (Range with If-Range), in this call and in the next. One download per folder at a time.
 */
public final class HubDownloader {

  /** Told about every step of a download. */
  @FunctionalInterface
  public interface Progress {
    Progress NONE = (file, bytes, total) -> {};

    /**
     * @param file its name in the repository
     * @param bytes downloaded so far, also in earlier calls
     * @param total its size, if the hub tells
     */
    void downloaded(String file, long bytes, OptionalLong total);
  }

  /**
   * Bounds of a download.
   *
   * @param maxFileBytes largest file accepted
   * @param attempts how often a file is tried without any progress before it is given up
   * @param pause before the second attempt; doubles with each
   * @param stall a transfer without a byte for this long is cut off and tried again
   */
  record Limits(long maxFileBytes, int attempts, Duration pause, Duration stall) {
    static final Limits DEFAULT =
        new Limits(256L << 30, 5, Duration.ofSeconds(1), Duration.ofSeconds(60));
  }

  private static final Logger LOG = LoggerFactory.getLogger(HubDownloader.class);
  private static final String STATE = "revision";
  private static final long SPARE_DISK = 64 << 20;

  /** Of a tokenizer and the like. */
  private static final long MAX_OTHER_BYTES = 64 << 20;

  private final HubModel hub;
  private final ModelFamilies families;
  private final HubClient client;
  private final Progress progress;
  private final Limits limits;

  /**
   * @param families whose models are read
   */
  public HubDownloader(HubModel hub, ModelFamilies families, Progress progress) {
    this(hub, families, progress, Limits.DEFAULT);
  }

  HubDownloader(HubModel hub, ModelFamilies families, Progress progress, Limits limits) {
    this.hub = hub;
    this.families = families;
    this.client = new HubClient(hub);
    this.progress = progress;
    this.limits = limits;
  }

  /**
   * Downloads {@code config.json}, the other files that the model's family reads, and the
   * safetensors weights, one file or shards with their index.
   *
   * @throws IOException with what the hub answered; what was downloaded so far stays for a resume
   */
  public void download(Path folder) throws IOException {
    String revision = start(folder);
    ModelFamily family = families.of(folder.resolve(HuggingFaceLayout.CONFIG));
    for (String name : family.files()) {
      fetch(folder, revision, name, MAX_OTHER_BYTES);
    }
    for (String name : family.optionalFiles()) {
      fetchIfThere(folder, revision, name, MAX_OTHER_BYTES);
    }
    if (fetchIfThere(folder, revision, HuggingFaceLayout.WEIGHTS, limits.maxFileBytes())) {
      return;
    }
    String index = HuggingFaceLayout.WEIGHTS_INDEX;
    if (!fetchIfThere(folder, revision, index, HuggingFaceLayout.MAX_INDEX_BYTES)) {
      throw HubException.permanent(
          hub
              + " has neither "
              + HuggingFaceLayout.WEIGHTS
              + " nor "
              + index
              + "; only safetensors weights are read");
    }
    byte[] content = Files.readAllBytes(folder.resolve(index));
    for (String shard : HuggingFaceLayout.shards(content, hub + " " + index)) {
      fetch(folder, revision, shard, limits.maxFileBytes());
    }
  }

  /**
   * Fetches the config and pins the revision: all files are to be of one commit, also after a
   * resume.
   */
  private String start(Path folder) throws IOException {
    Path config = folder.resolve(HuggingFaceLayout.CONFIG);
    Files.createDirectories(folder);
    Files.deleteIfExists(config);
    Files.deleteIfExists(part(config));
    Optional<String> commit =
        fetch(folder, hub.revision(), HuggingFaceLayout.CONFIG, HuggingFaceLayout.MAX_CONFIG_BYTES);
    String state = commit.orElse("config " + Checksums.sha256(config));
    Path stateFile = folder.resolve(STATE);
    if (Files.exists(stateFile) && !Files.readString(stateFile).equals(state)) {
      LOG.info("{} has changed since the interrupted download; starting over", hub);
      byte[] kept = Files.readAllBytes(config);
      StoreFiles.deleteTree(folder);
      Files.createDirectories(folder);
      Files.write(config, kept);
    }
    Files.writeString(stateFile, state);
    return commit.orElse(hub.revision());
  }

  private boolean fetchIfThere(Path folder, String revision, String name, long maxBytes)
      throws IOException {
    try {
      fetch(folder, revision, name, maxBytes);
      return true;
    } catch (HubException e) {
      if (e.notFound()) {
        return false;
      }
      throw e;
    }
  }

  /** Fetches one file unless it is there; says which commit it is of, if it was fetched. */
  private Optional<String> fetch(Path folder, String revision, String name, long maxBytes)
      throws IOException {
    Path target = folder.resolve(name);
    Files.createDirectories(target.getParent());
    if (Files.exists(target)) {
      progress.downloaded(name, Files.size(target), OptionalLong.of(Files.size(target)));
      return Optional.empty();
    }
    Duration pause = limits.pause();
    long best = size(part(target));
    for (int attempt = 1; ; attempt++) {
      try {
        return fetchOnce(target, revision, name, maxBytes);
      } catch (IOException e) {
        boolean retry = !(e instanceof HubException hubError) || hubError.worthRetrying();
        long now = size(part(target));
        if (now > best) {
          best = now;
          attempt = 1;
          pause = limits.pause();
        }
        if (!retry || attempt >= limits.attempts() || Thread.currentThread().isInterrupted()) {
          throw e;
        }
        LOG.info("{} of {}: {}; trying again in {}", name, hub, e.getMessage(), pause);
        sleep(pause);
        pause = pause.multipliedBy(2);
      }
    }
  }

  private Optional<String> fetchOnce(Path target, String revision, String name, long maxBytes)
      throws IOException {
    Path part = part(target);
    Path validatorFile = target.resolveSibling(target.getFileName() + ".etag");
    String validator = Files.exists(validatorFile) ? Files.readString(validatorFile) : "";
    long have = validator.isEmpty() ? 0 : size(part);
    try (HubClient.Answer answer = open(target, revision, name, have, validator)) {
      checkSize(answer, part, name, maxBytes);
      if (answer.start() == 0) {
        Files.deleteIfExists(part);
        Files.writeString(validatorFile, answer.validator().orElse(""));
      }
      transfer(answer, part, name, maxBytes);
      verify(answer, part, name);
      Files.move(part, target);
      Files.deleteIfExists(validatorFile);
      return answer.commit();
    }
  }

  private HubClient.Answer open(
      Path target, String revision, String name, long have, String validator) throws IOException {
    try {
      return client.get(hub.file(name, revision), have, validator);
    } catch (HubException e) {
      if (have > 0 && !e.notFound()) {
        // A range the hub does not like (416): the next attempt starts from nothing.
        Files.deleteIfExists(part(target));
      }
      throw e;
    }
  }

  private void checkSize(HubClient.Answer answer, Path part, String name, long maxBytes)
      throws IOException {
    long total = answer.total().orElse(0);
    if (total > maxBytes) {
      throw tooLarge(name, total, maxBytes);
    }
    long free = Files.getFileStore(part.getParent()).getUsableSpace();
    if (total - answer.start() > free - SPARE_DISK) {
      throw HubException.permanent(
          "%s of %s needs %d more bytes; the disk of %s has %d left"
              .formatted(name, hub, total - answer.start(), part.getParent(), free));
    }
  }

  private HubException tooLarge(String name, long bytes, long maxBytes) {
    return HubException.permanent(
        "%s of %s has %d bytes or more; at most %d are accepted"
            .formatted(name, hub, bytes, maxBytes));
  }

  private void transfer(HubClient.Answer answer, Path part, String name, long maxBytes)
      throws IOException {
    long done = answer.start();
    byte[] buffer = new byte[1 << 17];
    progress.downloaded(name, done, answer.total());
    try (StallGuard guard = new StallGuard(answer.body(), limits.stall());
        InputStream in = answer.body();
        OutputStream out =
            Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        guard.alive();
        done += n;
        if (done > maxBytes) {
          throw tooLarge(name, done, maxBytes);
        }
        out.write(buffer, 0, n);
        progress.downloaded(name, done, answer.total());
      }
    }
    if (answer.total().isPresent() && done != answer.total().getAsLong()) {
      throw new HubException(
          0,
          true,
          "%s of %s ended after %d of %d bytes"
              .formatted(name, hub, done, answer.total().getAsLong()));
    }
  }

  private void verify(HubClient.Answer answer, Path part, String name) throws IOException {
    if (answer.checksum().isEmpty()) {
      LOG.debug("{} of {} has no checksum to compare with", name, hub);
      return;
    }
    String expected = answer.checksum().get();
    String actual = expected.length() == 64 ? Checksums.sha256(part) : gitBlob(part);
    if (!actual.equals(expected)) {
      Files.deleteIfExists(part);
      throw HubException.permanent(
          "%s of %s has the checksum %s; the hub announces %s: refused"
              .formatted(name, hub, actual, expected));
    }
  }

  /** Git's name for a file's content. */
  private static String gitBlob(Path file) throws IOException {
    MessageDigest sha1 = Checksums.digest("SHA-1");
    sha1.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sha1.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(sha1.digest());
  }

  private static Path part(Path target) {
    return target.resolveSibling(target.getFileName() + ".part");
  }

  private static long size(Path file) throws IOException {
    return Files.exists(file) ? Files.size(file) : 0;
  }

  private static void sleep(Duration pause) throws IOException {
    try {
      Thread.sleep(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException("download interrupted").initCause(e);
    }
  }
}
