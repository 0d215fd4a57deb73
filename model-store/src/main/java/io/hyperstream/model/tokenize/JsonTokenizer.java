package io.hyperstream.model.tokenize;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Whatever a {@code tokenizer.json} describes, read by Hugging Face's own library: WordPiece for
 * BERT, unigram for XLM-R. Truncation and padding of the file are not used. Thread-safe, see {@link
 * Tokenizer}.
 */
public final class JsonTokenizer extends NativeTokenizer {
  /** Breaks up text that looks like a special token; tokenizers drop it. */
  private static final String ZERO_WIDTH_SPACE = "\u200b";

  private static final String PROBE = "a";
  private static final int MAX_ID = 10_000_000;

  /** Special tokens around one text and around two, learnt from the library. */
  private record Wrapping(int[] before, int[] between, int[] after, boolean segments) {
    int count() {
      return before.length + between.length + after.length;
    }
  }

  private final HuggingFaceTokenizer library;
  private final int size;
  private final String lastToken;
  private final double[] information;
  private final List<String> specialTexts;
  private final Wrapping single;
  private final Wrapping pair;

  private JsonTokenizer(HuggingFaceTokenizer library, JsonNode json) {
    this.library = library;
    JsonNode vocabulary = json.path("model").path("vocab");
    int last = -1;
    String lastName = "";
    for (int id = 0; vocabulary.isArray() && id < vocabulary.size(); id++) {
      last = id;
      lastName = vocabulary.path(id).path(0).asText();
    }
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      int id = id(entry.getKey(), entry.getValue());
      lastName = id > last ? entry.getKey() : lastName;
      last = Math.max(last, id);
    }
    List<String> specials = new ArrayList<>();
    for (JsonNode added : json.path("added_tokens")) {
      String content = added.path("content").asText();
      int id = id(content, added.path("id"));
      lastName = id > last ? content : lastName;
      last = Math.max(last, id);
      if (added.path("special").asBoolean() && !content.isEmpty()) {
        specials.add(content);
      }
    }
    this.size = last + 1;
    this.lastToken = lastName;
    this.specialTexts = List.copyOf(specials);
    this.information = PieceInformation.of(vocabulary, size, specials);
    this.single = wrapping(library.encode(PROBE, true, false));
    this.pair = wrapping(library.encode(PROBE, PROBE, true, false));
  }

  /**
   * Reads a tokenizer.
   *
   * @throws NoSuchFileException if it does not exist
   * @throws IOException if it cannot be read or is no {@code tokenizer.json}
   */
  public static JsonTokenizer open(Path file) throws IOException {
    requireFile(file, "an encoder needs its tokenizer here");
    HuggingFaceTokenizer library = null;
    try {
      JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(file));
      if (json.path("model").path("vocab").isEmpty()) {
        throw new IOException(file + " has no model.vocab; it is no tokenizer.json");
      }
      library =
          HuggingFaceTokenizer.builder()
              .optTokenizerPath(file)
              .optAddSpecialTokens(false)
              .optTruncation(false)
              .optPadding(false)
              .build();
      return new JsonTokenizer(library, json);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IOException(file + " is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (RuntimeException e) {
      if (library != null) {
        library.close();
      }
      throw new IOException(file + " is not read: " + e.getMessage(), e);
    }
  }

  private static int id(String token, JsonNode id) {
    if (!id.canConvertToInt() || id.intValue() < 0 || id.intValue() > MAX_ID) {
      throw new IllegalArgumentException(
          "token '%s' has the id %s; expected 0 to %d".formatted(token, id, MAX_ID));
    }
    return id.intValue();
  }

  /** Which special tokens stand before, between and after the texts of a probe. */
  private static Wrapping wrapping(Encoding probe) {
    long[] special = probe.getSpecialTokenMask();
    long[] ids = probe.getIds();
    int first = 0;
    while (first < ids.length && special[first] == 1) {
      first++;
    }
    int last = ids.length;
    while (last > first && special[last - 1] == 1) {
      last--;
    }
    int from = first;
    while (from < last && special[from] == 0) {
      from++;
    }
    int to = from;
    while (to < last && special[to] == 1) {
      to++;
    }
    if (first == last) {
      throw new IllegalArgumentException("it reads the letter '" + PROBE + "' as nothing");
    }
    boolean segments = Arrays.stream(probe.getTypeIds()).anyMatch(type -> type == 1);
    return new Wrapping(
        ints(ids, 0, first), ints(ids, from, to), ints(ids, last, ids.length), segments);
  }

  private static int[] ints(long[] values, int from, int to) {
    return Arrays.stream(values, from, to).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public int size() {
    return size;
  }

  /** The token of the highest id. */
  public String lastToken() {
    return lastToken;
  }

  @Override
  int[] encodeWellFormed(String text) {
    long[] ids = library.encode(ordinary(text), false, false).getIds();
    return ints(ids, 0, ids.length);
  }

  /** The text without anything that would be read as a special token. */
  private String ordinary(String text) {
    String out = text;
    for (String special : specialTexts) {
      if (out.contains(special)) {
        String broken = special.charAt(0) + ZERO_WIDTH_SPACE + special.substring(1);
        out = out.replace(special, broken);
      }
    }
    return out;
  }

  @Override
  public int specials() {
    return single.count();
  }

  @Override
  public int pairSpecials() {
    return pair.count();
  }

  @Override
  public int[] wrap(int[] pieces) {
    return join(single.before(), pieces, single.after());
  }

  @Override
  public Pair wrap(int[] first, int[] second) {
    int[] ids = join(pair.before(), first, pair.between(), second, pair.after());
    int secondFrom = pair.before().length + first.length + pair.between().length;
    return new Pair(ids, pair.segments() ? secondFrom : ids.length);
  }

  private static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  @Override
  public double information(int id) {
    return id >= 0 && id < size ? information[id] : 0;
  }

  @Override
  void free() {
    library.close();
  }
}
