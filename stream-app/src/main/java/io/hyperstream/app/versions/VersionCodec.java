package io.hyperstream.app.versions;

import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.HalfFloats;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LabelHead.LabelVectors;
import io.hyperstream.model.prototype.Scope;
import io.hyperstream.model.store.ModelStore;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.training.FewShotVersion;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prototypes;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Adapter versions to and from their records. Weights travel in the record up to a limit, else
 * through the model store, which every process must share. Thread-safe.
 */
public final class VersionCodec {
  private final AdapterFiles files;
  private final ModelStore store;
  private final String owner;
  private final int inlineLimitBytes;

  /**
   * Reads records.
   *
   * @param files where weights that come inside records go
   * @param store where the others lie
   */
  public VersionCodec(AdapterFiles files, ModelStore store) {
    this(files, store, "reader", 0);
  }

  /**
   * Reads and writes records.
   *
   * @param files where weights that come inside records go
   * @param store where the others lie
   * @param owner under which weights are stored and collected again
   * @param inlineLimitBytes weights beyond it go through the store; at most {@link
   *     Topics#MAX_INLINE_WEIGHTS_BYTES}
   */
  public VersionCodec(AdapterFiles files, ModelStore store, String owner, int inlineLimitBytes) {
    this.files = files;
    this.store = store;
    this.owner = owner;
    this.inlineLimitBytes = inlineLimitBytes;
    if (inlineLimitBytes < 0 || inlineLimitBytes > Topics.MAX_INLINE_WEIGHTS_BYTES) {
      throw new IllegalArgumentException(
          "records take weights of 0 to %d bytes; got a limit of %d"
              .formatted(Topics.MAX_INLINE_WEIGHTS_BYTES, inlineLimitBytes));
    }
  }

  /**
   * The record of a new version. Weights that go through the store are on its disk when this
   * returns, so the record may be committed. Number (0 here), parent, metrics, examples and reason
   * are for whoever publishes it.
   *
   * @throws IOException if the store cannot be written
   */
  public AdapterVersion toRecord(
      String taskId, String modelId, FewShotVersion version, Instant createdAt) throws IOException {
    AdapterVersion.Builder record =
        AdapterVersion.newBuilder()
            .setTaskId(taskId)
            .setVersion(0)
            .setModelId(modelId)
            .setForm(
                switch (version.form()) {
                  case EMBEDDING -> io.hyperstream.schemas.AdapterForm.EMBEDDING;
                  case PROTOTYPES -> io.hyperstream.schemas.AdapterForm.PROTOTYPES;
                  case WEIGHTS -> io.hyperstream.schemas.AdapterForm.WEIGHTS;
                })
            .setEmbedding(boxed(version.embedding()))
            .setWithoutAdapters(version.withoutAdapters())
            .setPrototypes(version.head().map(VersionCodec::prototypes).orElse(null))
            .setCreatedAt(createdAt);
    if (version.weights().isPresent()) {
      byte[] weights = version.weights().get();
      record.setWeightsSha256(HexFormat.of().formatHex(Checksums.sha256().digest(weights)));
      if (weights.length <= inlineLimitBytes) {
        record.setWeights(ByteBuffer.wrap(weights));
      } else {
        record.setWeightsUri(store.addWeights(owner, weights));
      }
    }
    return record.build();
  }

  /**
   * What a record serves. An empty embedding stands for the adapters the model starts the task
   * with.
   *
   * @throws IllegalArgumentException if the record makes no sense, saying what is wrong with it
   * @throws NoSuchFileException if its weights are not in the store
   * @throws IOException if they cannot be read, or not as they were written
   */
  public TaskAdapter toAdapter(AdapterVersion record) throws IOException {
    if (record.getVersion() < 1) {
      throw new IllegalArgumentException("versions count from 1; got " + record.getVersion());
    }
    AdapterForm form =
        switch (record.getForm()) {
          case EMBEDDING, PROTOTYPES ->
              record.getWithoutAdapters()
                  ? new AdapterForm.None()
                  : new AdapterForm.Embedding(unboxed(record.getEmbedding()));
          case WEIGHTS -> new AdapterForm.Weights(weights(record));
          case UNKNOWN ->
              throw new IllegalArgumentException(
                  "its form is not known to this version of the application");
        };
    Prototypes prototypes = record.getPrototypes();
    Optional<LabelHead> head =
        switch (record.getForm()) {
          case EMBEDDING, UNKNOWN -> Optional.empty();
          case WEIGHTS -> Optional.ofNullable(prototypes).map(VersionCodec::head);
          case PROTOTYPES -> {
            if (prototypes == null) {
              throw new IllegalArgumentException("its form is PROTOTYPES, and it has none");
            }
            yield Optional.of(head(prototypes));
          }
        };
    return new TaskAdapter(record.getTaskId(), record.getVersion(), form, head);
  }

  private Path weights(AdapterVersion record) throws IOException {
    Optional<String> sha256 = Optional.ofNullable(record.getWeightsSha256());
    if (record.getWeights() != null) {
      return files.write(record.getWeights().duplicate(), sha256);
    }
    if (record.getWeightsUri() == null) {
      throw new IllegalArgumentException("its form is WEIGHTS, and it has none");
    }
    Path file = store.weights(record.getWeightsUri());
    files.keep(file);
    String name = file.getFileName().toString();
    if (sha256.isPresent() && !name.startsWith(sha256.get().toLowerCase(Locale.ROOT))) {
      files.release(file);
      throw new IllegalArgumentException(
          "its weights are %s, and should have SHA-256 %s".formatted(name, sha256.get()));
    }
    try {
      String actual = Checksums.sha256(file);
      if (!name.startsWith(actual)) { // not the record's fault: half copied, or the disk's
        throw new IOException(
            "%s has SHA-256 %s, the version says %s"
                .formatted(file, actual, sha256.orElse(record.getWeightsUri())));
      }
      return file;
    } catch (IOException e) {
      files.release(file);
      throw e;
    }
  }

  private static Prototypes prototypes(LabelHead head) {
    List<LabelVectors> vectors = head.vectors();
    int words = vectors.stream().mapToInt(label -> label.places().length).sum();
    ByteBuffer places = ByteBuffer.allocate(2 * words).order(ByteOrder.LITTLE_ENDIAN);
    for (LabelVectors label : vectors) {
      for (int place : label.places()) {
        places.putShort((short) place);
      }
    }
    return Prototypes.newBuilder()
        .setLabels(vectors.stream().map(LabelVectors::label).toList())
        .setDimension(head.center().length)
        .setValues(halves(vectors.stream().map(LabelVectors::states).toList()))
        .setCenter(halves(List.of(head.center())))
        .setStateBiases(halves(vectors.stream().map(v -> new float[] {v.stateBias()}).toList()))
        .setWordCounts(vectors.stream().map(label -> label.places().length).toList())
        .setWordPlaces(places.flip())
        .setWordValues(halves(vectors.stream().map(LabelVectors::words).toList()))
        .setWordBiases(halves(vectors.stream().map(v -> new float[] {v.wordBias()}).toList()))
        .setUnitStates(head.unitStates())
        .setDecoderWeight(head.decoderWeight())
        .setStateWeight(head.stateWeight())
        .setWordWeight(head.wordWeight())
        .setScopeMean(head.scope().map(Scope::mean).orElse(0.0))
        .setScopeDeviation(head.scope().map(Scope::deviation).orElse(0.0))
        .build();
  }

  private static ByteBuffer halves(List<float[]> arrays) {
    ByteBuffer out = ByteBuffer.allocate(2 * arrays.stream().mapToInt(a -> a.length).sum());
    arrays.forEach(array -> out.put(HalfFloats.encode(array)));
    return out.flip();
  }

  private static LabelHead head(Prototypes record) {
    int labels = record.getLabels().size();
    int dimension = record.getDimension();
    if (dimension < 1 || record.getWordCounts().size() != labels) {
      throw new IllegalArgumentException(
          "its label vectors have %d numbers each, and %d word counts for %d labels"
              .formatted(dimension, record.getWordCounts().size(), labels));
    }
    long words = 0;
    for (int count : record.getWordCounts()) {
      words += count < 0 ? Integer.MAX_VALUE : count; // refused below by the number of bytes
    }
    float[] center = numbers("center", record.getCenter(), dimension);
    float[] states = numbers("values", record.getValues(), (long) labels * dimension);
    float[] stateBiases = numbers("stateBiases", record.getStateBiases(), labels);
    float[] wordBiases = numbers("wordBiases", record.getWordBiases(), labels);
    float[] wordValues = numbers("wordValues", record.getWordValues(), words);
    ByteBuffer places = sized("wordPlaces", record.getWordPlaces(), words);
    List<LabelVectors> vectors = new ArrayList<>();
    int word = 0;
    for (int l = 0; l < labels; l++) {
      int[] ofLabel = new int[record.getWordCounts().get(l)];
      for (int i = 0; i < ofLabel.length; i++) {
        ofLabel[i] = Short.toUnsignedInt(places.getShort());
      }
      vectors.add(
          new LabelVectors(
              Label.canonical(record.getLabels().get(l)),
              Arrays.copyOfRange(states, l * dimension, (l + 1) * dimension),
              stateBiases[l],
              ofLabel,
              Arrays.copyOfRange(wordValues, word, word + ofLabel.length),
              wordBiases[l]));
      word += ofLabel.length;
    }
    return new LabelHead(
        center,
        vectors,
        record.getUnitStates(),
        record.getDecoderWeight(),
        record.getStateWeight(),
        record.getWordWeight(),
        record.getScopeDeviation() == 0
            ? Optional.empty()
            : Optional.of(new Scope(record.getScopeMean(), record.getScopeDeviation())));
  }

  private static float[] numbers(String field, ByteBuffer bytes, long count) {
    return HalfFloats.decode(sized(field, bytes, count));
  }

  private static ByteBuffer sized(String field, ByteBuffer bytes, long count) {
    if (bytes.remaining() != 2 * count) {
      throw new IllegalArgumentException(
          "%s of its label vectors has %d bytes; %d numbers take %d"
              .formatted(field, bytes.remaining(), count, 2 * count));
    }
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static List<Float> boxed(float[] values) {
    List<Float> out = new ArrayList<>(values.length);
    for (float value : values) {
      out.add(value);
    }
    return out;
  }

  private static float[] unboxed(List<Float> values) {
    float[] out = new float[values.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = values.get(i);
    }
    return out;
  }
}
