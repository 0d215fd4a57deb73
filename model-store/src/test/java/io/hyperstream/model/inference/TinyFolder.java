package io.hyperstream.model.inference;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.bert.Bert;
import io.hyperstream.model.bert.BertConfig;
import io.hyperstream.model.inference.InventedTensors.Tensor;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.tensor.Precision;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * The files of a model of one or two layers with random weights, to be changed before they are
 * written. Weights are made for the configuration it begins with.
 */
public final class TinyFolder {
  public static final String LFS_POINTER =
      "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1\n"
          .formatted("0".repeat(64));

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final List<String> WORDS =
      List.of(
          "1", "2", "3", "a", "the", "day", "night", "good", "bad", "query", ":", "sun", "##s",
          "##ny", "moon", ".");

  private final ObjectNode config;
  private final Map<String, Tensor> tensors = new TreeMap<>();
  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private String dtype = "F32";
  private boolean sharded;

  private TinyFolder(String config) throws IOException {
    this.config = (ObjectNode) MAPPER.readTree(config);
  }

  /**
   * A T5 of one layer with the starter's tokenizer.
   *
   * @param fields more fields of its configuration, with a comma in front
   */
  public static TinyFolder t5(String fields) throws IOException {
    TinyFolder folder = new TinyFolder(TinyModel.BACKBONE.formatted(fields));
    folder.files.put(
        "spiece.model",
        Files.readAllBytes(StarterFiles.directory().resolve("backbone/spiece.model")));
    InventedTensors invented = new InventedTensors(1);
    T5.load(T5Config.fromJson(folder.config), invented).close();
    folder.tensors.putAll(invented.tensors());
    return folder;
  }

  /** A BERT of two layers with a WordPiece tokenizer. */
  public static TinyFolder bert() throws IOException {
    TinyFolder folder = encoder("bert", 0);
    List<String> vocabulary = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]"));
    vocabulary.addAll(WORDS);
    ObjectNode tokenizer = tokenizer(vocabulary.subList(0, 4), "[CLS]", "[SEP]", "[SEP]", 1);
    tokenizer.putObject("normalizer").put("type", "BertNormalizer").put("lowercase", true);
    ((ObjectNode) tokenizer.get("normalizer"))
        .put("clean_text", true)
        .put("handle_chinese_chars", true)
        .putNull("strip_accents");
    tokenizer.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    ObjectNode model = tokenizer.putObject("model");
    model.put("type", "WordPiece").put("unk_token", "[UNK]");
    model.put("continuing_subword_prefix", "##").put("max_input_chars_per_word", 100);
    ObjectNode vocab = model.putObject("vocab");
    vocabulary.forEach(word -> vocab.put(word, vocab.size()));
    return folder.json("tokenizer.json", tokenizer);
  }

  /**
   * The same network with XLM-R's kind of tokenizer, unigram.
   *
   * @param type its model_type: positions of xlm-roberta begin behind the padding's
   */
  public static TinyFolder unigram(String type) throws IOException {
    TinyFolder folder = encoder(type, type.equals("bert") ? 0 : 1);
    List<String> specials = List.of("<s>", "<pad>", "</s>", "<unk>");
    ObjectNode tokenizer = tokenizer(specials, "<s>", "</s></s>", "</s>", 0);
    tokenizer
        .putObject("pre_tokenizer")
        .put("type", "Metaspace")
        .put("replacement", "\u2581")
        .put("add_prefix_space", true);
    ObjectNode model = tokenizer.putObject("model");
    model.put("type", "Unigram").put("unk_id", 3);
    ArrayNode vocab = model.putArray("vocab");
    specials.forEach(special -> vocab.addArray().add(special).add(0.0));
    WORDS.forEach(
        word ->
            vocab
                .addArray()
                .add(word.startsWith("##") ? word.substring(2) : "\u2581" + word)
                .add(-2.0 - vocab.size() / 10.0));
    return folder.json("tokenizer.json", tokenizer);
  }

  private static TinyFolder encoder(String type, int padId) throws IOException {
    TinyFolder folder =
        new TinyFolder(
            """
            {"model_type": "%s", "vocab_size": 24, "hidden_size": 16, "num_hidden_layers": 2,
             "num_attention_heads": 4, "intermediate_size": 32, "max_position_embeddings": 40,
             "type_vocab_size": 2, "pad_token_id": %d}
            """
                .formatted(type, padId));
    Path config = Files.createTempFile("tiny", ".json");
    try {
      Files.writeString(config, folder.config.toString());
      InventedTensors invented = new InventedTensors(1);
      Bert.load(BertConfig.read(config), 40, invented, Optional.empty(), Precision.F32).close();
      folder.tensors.putAll(invented.tensors());
    } finally {
      Files.delete(config);
    }
    return folder;
  }

  private static ObjectNode tokenizer(
      List<String> specials, String before, String between, String after, int secondType) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (String special : specials) {
      addToken(added, special, added.size());
    }
    ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    special(single, before, 0);
    sequence(single, "A", 0);
    special(single, after, 0);
    ArrayNode pair = processor.putArray("pair");
    special(pair, before, 0);
    sequence(pair, "A", 0);
    if (between.equals("</s></s>")) {
      special(pair, "</s>", 0);
      special(pair, "</s>", 0);
    } else {
      special(pair, between, 0);
    }
    sequence(pair, "B", secondType);
    special(pair, after, secondType);
    ObjectNode ids = processor.putObject("special_tokens");
    for (String special : specials) {
      ObjectNode token = ids.putObject(special).put("id", special);
      token.putArray("ids").add(specials.indexOf(special));
      token.putArray("tokens").add(special);
    }
    return json;
  }

  private static void special(ArrayNode template, String token, int type) {
    template.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
  }

  private static void sequence(ArrayNode template, String which, int type) {
    template.addObject().putObject("Sequence").put("id", which).put("type_id", type);
  }

  private static void addToken(ArrayNode added, String content, int id) {
    added
        .addObject()
        .put("id", id)
        .put("content", content)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
  }

  /** Changes a field of config.json; the weights stay. */
  public TinyFolder config(String field, Object value) {
    config.set(field, MAPPER.valueToTree(value));
    return this;
  }

  public TinyFolder file(String name, String content) {
    files.put(name, content.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  private TinyFolder json(String name, ObjectNode content) {
    return file(name, content.toString());
  }

  /** Adds a special token to tokenizer.json. */
  public TinyFolder added(String content, int id) throws IOException {
    ObjectNode tokenizer = (ObjectNode) MAPPER.readTree(files.get("tokenizer.json"));
    addToken((ArrayNode) tokenizer.get("added_tokens"), content, id);
    return json("tokenizer.json", tokenizer);
  }

  public TinyFolder without(String tensor) {
    if (tensors.remove(tensor) == null) {
      throw new IllegalArgumentException(tensor);
    }
    return this;
  }

  /** Puts another model's weights in the place of these. */
  public TinyFolder weightsOf(TinyFolder other) {
    tensors.clear();
    tensors.putAll(other.tensors);
    return this;
  }

  /** Sets one value of a tensor. */
  public TinyFolder value(String tensor, int index, float value) {
    tensors.get(tensor).values()[index] = value;
    return this;
  }

  /** Adds a tensor as another is. */
  public TinyFolder copy(String tensor, String name) {
    tensors.put(name, tensors.get(tensor));
    return this;
  }

  /** Moves a table's rows down; what comes to stand before them is never to be read. */
  public TinyFolder shiftRows(String tensor, int rows) {
    Tensor old = tensors.get(tensor);
    int width = (int) old.shape()[1];
    float[] values = new float[old.values().length + rows * width];
    java.util.Arrays.fill(values, 0, rows * width, 1e6f);
    System.arraycopy(old.values(), 0, values, rows * width, old.values().length);
    tensors.put(tensor, new Tensor(values, new long[] {old.shape()[0] + rows, width}));
    return this;
  }

  public TinyFolder renamed(UnaryOperator<String> name) {
    Map<String, Tensor> old = new LinkedHashMap<>(tensors);
    tensors.clear();
    old.forEach((key, tensor) -> tensors.put(name.apply(key), tensor));
    return this;
  }

  /**
   * Rounds all weights to what a narrower type holds, which changes nothing if it is done again.
   */
  public TinyFolder rounded(String type) {
    for (Tensor tensor : tensors.values()) {
      for (int i = 0; i < tensor.values().length; i++) {
        float value = tensor.values()[i];
        tensor.values()[i] =
            type.equals("F16")
                ? fromHalf(half(value))
                : Float.intBitsToFloat(Float.floatToIntBits(value) & 0xffff0000);
      }
    }
    return this;
  }

  /** F32, F16 or BF16. */
  public TinyFolder as(String type) {
    dtype = type;
    return this;
  }

  /** Two shards and an index. */
  public TinyFolder inShards() {
    sharded = true;
    return this;
  }

  public Map<String, byte[]> files() {
    Map<String, byte[]> all = new LinkedHashMap<>();
    all.put("config.json", config.toString().getBytes(StandardCharsets.UTF_8));
    if (!sharded) {
      all.put("model.safetensors", safetensors(tensors));
    } else {
      Map<String, Tensor> first = new TreeMap<>();
      Map<String, Tensor> second = new TreeMap<>();
      ObjectNode index = MAPPER.createObjectNode();
      ObjectNode map = index.putObject("weight_map");
      for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
        boolean even = (first.size() + second.size()) % 2 == 0;
        (even ? first : second).put(tensor.getKey(), tensor.getValue());
        map.put(tensor.getKey(), "model-0000%d-of-00002.safetensors".formatted(even ? 1 : 2));
      }
      all.put("model.safetensors.index.json", index.toString().getBytes(StandardCharsets.UTF_8));
      all.put("model-00001-of-00002.safetensors", safetensors(first));
      all.put("model-00002-of-00002.safetensors", safetensors(second));
    }
    all.putAll(files);
    return all;
  }

  public Path writeTo(Path directory) throws IOException {
    for (Map.Entry<String, byte[]> file : files().entrySet()) {
      Path target = directory.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      Files.write(target, file.getValue());
    }
    return directory;
  }

  private byte[] safetensors(Map<String, Tensor> some) {
    int width = dtype.equals("F32") ? 4 : 2;
    ObjectNode header = MAPPER.createObjectNode();
    int bytes = 0;
    for (Map.Entry<String, Tensor> tensor : some.entrySet()) {
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", dtype);
      entry.set("shape", MAPPER.valueToTree(tensor.getValue().shape()));
      int size = tensor.getValue().values().length * width;
      entry.putArray("data_offsets").add(bytes).add(bytes + size);
      bytes += size;
    }
    String json = header.toString();
    json += " ".repeat((8 - json.length() % 8) % 8);
    ByteBuffer out = ByteBuffer.allocate(8 + json.length() + bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(json.length()).put(json.getBytes(StandardCharsets.US_ASCII));
    for (Tensor tensor : some.values()) {
      for (float value : tensor.values()) {
        switch (dtype) {
          case "F32" -> out.putFloat(value);
          case "F16" -> out.putShort(half(value));
          default -> out.putShort((short) (Float.floatToIntBits(value) >>> 16));
        }
      }
    }
    return out.array();
  }

  /** Towards zero; numbers between 2^-14 and 65504, infinity and NaN. */
  private static short half(float value) {
    int bits = Float.floatToIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    if (!Float.isFinite(value)) {
      return (short) (sign | 0x7c00 | (Float.isNaN(value) ? 0x200 : 0));
    }
    return (short) (exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff));
  }

  private static float fromHalf(short half) {
    int exponent = (half >>> 10) & 0x1f;
    int sign = (half & 0x8000) << 16;
    return exponent == 0
        ? Float.intBitsToFloat(sign)
        : Float.intBitsToFloat(sign | ((exponent - 15 + 127) << 23) | ((half & 0x3ff) << 13));
  }
}
