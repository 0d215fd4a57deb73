package io.hyperstream.model.store;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link ModelStore} in a bucket of Amazon S3 or of a server that speaks like it.
 *
 * <pre>
 * models/NAME/VERSION/manifest.json    a version is there when this is
 * files/SHA-256                        what manifests name, the same bytes once
 * adapters/OWNER/SHA-256.safetensors   weights of adapter versions
 * </pre>
 *
 * Files are named by their hash and written before the manifest that needs them, which is only
 * created where none is: two that publish under a name get a version each, and a crash leaves at
 * most files that nobody names. Models and weights are loaded once per machine into a cache. Any
 * thread, any number of processes and machines.
 */
public final class S3ModelStore implements ModelStore {
  private static final Logger LOG = LoggerFactory.getLogger(S3ModelStore.class);
  private static final Pattern MANIFEST =
      Pattern.compile(
          "models/(" + StoreNames.MODEL + ")/(" + StoreNames.VERSION + ")/" + Manifest.FILE);

  /** More publishers of one name at once than that do not get their turn. */
  private static final int MAX_RACES = 1000;

  private final S3Location location;
  private final S3Objects objects;
  private final S3Objects failFast;
  private final ModelCache cache;

  private record Version(String name, int number) {
    String key() {
      return "models/" + name + "/" + number + "/" + Manifest.FILE;
    }
  }

  private record Found(Version version, byte[] json, Manifest manifest) {}

  /** Opens a store; the bucket is asked for nothing yet. */
  S3ModelStore(S3Location location, S3Options options) throws IOException {
    this.location = location;
    this.objects = new S3Objects(location, options);
    // Whoever serves versions tries again later by itself, and must not be held up here.
    this.failFast = new S3Objects(location, options.withAttempts(Math.min(2, options.attempts())));
    String id = Checksums.sha256(options.endpoint() + " " + location).substring(0, 16);
    this.cache =
        new ModelCache(options.cache().resolve(location.bucket() + "-" + id), options.cacheBytes());
  }

  @Override
  public List<StoredModel> list() throws IOException {
    List<StoredModel> found = new ArrayList<>();
    for (Version version : versions("models/")) {
      try {
        Found read = read(version);
        found.add(stored(read, cache.directory(version.name(), version.number())));
      } catch (S3StoreException e) {
        throw e;
      } catch (IOException e) {
        LOG.warn("Model {} is left out: {}", location.uri(version.key()), e.getMessage());
      }
    }
    return List.copyOf(found);
  }

  @Override
  public StoredModel load(String reference) throws IOException {
    try {
      return fetch(find(reference));
    } catch (S3StoreException e) {
      StoreNames.Reference parsed = StoreNames.Reference.parse(reference);
      if (!e.isOutage() || !parsed.isExact()) {
        throw e;
      }
      int number = Integer.parseInt(parsed.version());
      Manifest here = cache.whole(parsed.name(), number).orElseThrow(() -> e);
      LOG.warn("{} is loaded from the cache, for now: {}", reference, e.getMessage());
      return new StoredModel(parsed.name(), number, cache.directory(parsed.name(), number), here);
    }
  }

  private StoredModel fetch(Found found) throws IOException {
    Version version = found.version();
    Path directory =
        cache.model(
            version.name(),
            version.number(),
            found.json(),
            found.manifest(),
            folder -> download(found.manifest(), folder));
    return stored(found, directory);
  }

  private void download(Manifest manifest, Path folder) throws IOException {
    for (Manifest.FileEntry entry : manifest.files()) {
      Path target = folder.resolve(entry.path());
      Files.createDirectories(target.getParent());
      LOG.debug("loading {} from {}", entry.path(), location.uri(key(entry)));
      objects.download(key(entry), entry.size(), target);
      String actual = Checksums.sha256(target);
      if (!actual.equals(entry.sha256())) {
        throw new IOException(
            "%s has SHA-256 %s: it is damaged; delete it and import the model again"
                .formatted(location.uri(key(entry)), actual));
      }
    }
  }

  private Found find(String reference) throws IOException {
    StoreNames.Reference parsed = StoreNames.Reference.parse(reference);
    if (parsed.isExact()) {
      try {
        return read(new Version(parsed.name(), Integer.parseInt(parsed.version())));
      } catch (NoSuchFileException e) {
        throw StoreNames.noSuchModel(reference, location, list());
      }
    }
    if (reference.matches(StoreNames.MODEL)) {
      Optional<Version> latest = latest(reference);
      if (latest.isPresent()) {
        return read(latest.get());
      }
    }
    List<StoredModel> all = list();
    StoredModel model =
        all.stream()
            .filter(candidate -> candidate.modelId().equals(reference))
            .findFirst()
            .orElseThrow(() -> StoreNames.noSuchModel(reference, location, all));
    return read(new Version(model.name(), model.version()));
  }

  /** Of all models or of one, by name and number. */
  private List<Version> versions(String prefix) throws IOException {
    List<Version> versions = new ArrayList<>();
    for (S3Objects.Entry entry : objects.list(prefix)) {
      Matcher matcher = MANIFEST.matcher(entry.key());
      if (matcher.matches()) {
        versions.add(new Version(matcher.group(1), Integer.parseInt(matcher.group(2))));
      }
    }
    versions.sort(Comparator.comparing(Version::name).thenComparing(Version::number));
    return versions;
  }

  private Optional<Version> latest(String name) throws IOException {
    List<Version> versions = versions("models/" + name + "/");
    return versions.isEmpty() ? Optional.empty() : Optional.of(versions.get(versions.size() - 1));
  }

  private Found read(Version version) throws IOException {
    byte[] json = objects.read(version.key(), Manifest.MAX_BYTES);
    return new Found(version, json, Manifest.parse(json, location.uri(version.key())));
  }

  private static StoredModel stored(Found found, Path directory) {
    Version version = found.version();
    return new StoredModel(version.name(), version.number(), directory, found.manifest());
  }

  private static String key(Manifest.FileEntry entry) {
    return "files/" + entry.sha256();
  }

  @Override
  public StoredModel publish(String name, ModelCard card, Content content) throws IOException {
    StoreNames.requireModel(name);
    try (WorkFolder.Aside aside = cache.aside()) {
      content.writeTo(aside.folder());
      Manifest manifest = Manifest.describe(name, aside.folder(), card);
      for (Manifest.FileEntry entry : manifest.files()) {
        OptionalLong there = objects.size(key(entry));
        if (there.isEmpty() || there.getAsLong() != entry.size()) {
          objects.upload(key(entry), aside.folder().resolve(entry.path()));
        }
      }
      Found published = claim(manifest);
      Version version = published.version();
      Path directory =
          cache.adopt(version.name(), version.number(), aside.folder(), published.json());
      return stored(published, directory);
    }
  }

  /** The next version of a name, unless its latest has the same files and card. */
  private Found claim(Manifest manifest) throws IOException {
    String name = manifest.name();
    for (int race = 0; race < MAX_RACES; race++) {
      Optional<Version> latest = latest(name);
      if (latest.isPresent()) {
        Optional<Found> same = same(latest.get(), manifest);
        if (same.isPresent()) {
          return same.get();
        }
      }
      Version next = new Version(name, latest.map(Version::number).orElse(0) + 1);
      byte[] json = manifest.toJson();
      if (objects.create(next.key(), json)) {
        LOG.debug("{} is published", location.uri(next.key()));
        return new Found(next, json, Manifest.parse(json, location.uri(next.key())));
      }
      // Someone else's, or this one: the answer was lost, and perhaps another has published since.
      Optional<Found> same = same(next, manifest);
      if (same.isPresent()) {
        return same.get();
      }
    }
    throw new IOException("too many publish " + location.uri("models/" + name) + " at once");
  }

  private Optional<Found> same(Version version, Manifest manifest) throws IOException {
    Found found;
    try {
      found = read(version);
    } catch (S3StoreException e) {
      throw e;
    } catch (NoSuchFileException e) {
      return Optional.empty(); // whoever was about to write it has not yet
    } catch (IOException e) {
      LOG.warn("{} is damaged and superseded: {}", location.uri(version.key()), e.getMessage());
      return Optional.empty();
    }
    boolean same =
        found.manifest().files().equals(manifest.files())
            && found.manifest().card().equals(manifest.card());
    return same ? Optional.of(found) : Optional.empty();
  }

  @Override
  public String addWeights(String owner, byte[] safetensors) throws IOException {
    StoreNames.requireOwner(owner);
    String sha256 = HexFormat.of().formatHex(Checksums.sha256().digest(safetensors));
    String reference = StoreNames.weights(owner, sha256);
    objects.write(reference, safetensors); // also if it is there: that makes it young again
    return reference;
  }

  @Override
  public Path weights(String reference) throws IOException {
    StoreNames.requireWeights(reference);
    String uri = location.uri(reference);
    long[] size = new long[1];
    return cache.weights(
        reference,
        () -> {
          size[0] = failFast.size(reference).orElseThrow(() -> StoreNames.noSuchWeights(uri));
          return size[0];
        },
        target -> failFast.download(reference, size[0], target));
  }

  @Override
  public void releaseWeights(Path file) {
    try {
      cache.release(file);
    } catch (IOException e) {
      LOG.warn("{} stays in the cache while this process lives", file, e);
    }
  }

  @Override
  public int removeWeights(String owner, Set<String> needed, Instant before) throws IOException {
    StoreNames.requireOwner(owner);
    int removed = 0;
    for (S3Objects.Entry entry : objects.list("adapters/" + owner + "/")) {
      if (!needed.contains(entry.key()) && entry.written().isBefore(before)) {
        // Looked at once more: the list may be as old as its pages are many.
        Optional<Instant> written = objects.written(entry.key());
        if (written.isPresent() && written.get().isBefore(before)) {
          objects.delete(entry.key());
          removed++;
        }
      }
    }
    return removed;
  }

  @Override
  public Path workFolder(String key) throws IOException {
    return cache.workFolder(key);
  }

  @Override
  public void close() {
    cache.close();
    objects.close();
    failFast.close();
  }

  @Override
  public String toString() {
    return location.toString();
  }
}
