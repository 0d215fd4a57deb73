package io.hyperstream.model.bert;

import ai.djl.Device;
import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.family.ModelFamily;
import io.hyperstream.model.family.Objective;
import io.hyperstream.model.prototype.HeadForm;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.TextReadout;
import io.hyperstream.model.tokenize.AddedTokens;
import io.hyperstream.model.tokenize.JsonTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Encoders in Hugging Face or sentence-transformers layout, with {@code tokenizer.json}. */
public final class BertFamily implements ModelFamily {
  private static final String TOKENIZER = "tokenizer.json";

  @Override
  public String name() {
    return "bert";
  }

  @Override
  public boolean reads(JsonNode config) {
    return BertConfig.MODEL_TYPES.contains(config.path("model_type").asText());
  }

  @Override
  public List<String> files() {
    return List.of(TOKENIZER);
  }

  @Override
  public List<String> optionalFiles() {
    return List.of(
        SentenceTransformer.MODULES,
        SentenceTransformer.POOLING,
        SentenceTransformer.PROMPTS,
        SentenceTransformer.LIMITS,
        AddedTokens.FILE);
  }

  @Override
  public Objective objective() {
    return Objective.LABEL_VECTORS;
  }

  @Override
  public BackboneShape shape(HuggingFaceLayout files) throws IOException {
    BertConfig config = BertConfig.read(files.config());
    int most = SentenceTransformer.read(files).maxTokens().orElse(Integer.MAX_VALUE);
    return config.shape(Math.min(most, config.maxTokens()));
  }

  @Override
  public Map<String, Object> details(HuggingFaceLayout files) throws IOException {
    BertConfig config = BertConfig.read(files.config());
    SentenceTransformer sentences = SentenceTransformer.read(files);
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("width", config.width());
    details.put("layers", config.layers());
    details.put("heads", config.heads());
    details.put("feedForward", config.feedForward());
    details.put("vocabulary", config.vocabulary());
    details.put("maxTokens", shape(files).maxTokens());
    details.put("activation", config.activation().configName());
    details.put("pooling", sentences.pooling().kind().name().toLowerCase(Locale.ROOT));
    details.put("normalized", sentences.pooling().normalized());
    details.put("prefix", sentences.prefix());
    return details;
  }

  @Override
  public Map<String, byte[]> withPrefix(HuggingFaceLayout files, String prefix) throws IOException {
    return Map.of(SentenceTransformer.PROMPTS, SentenceTransformer.withPrefix(files, prefix));
  }

  @Override
  public FamilyModel open(
      HuggingFaceLayout files,
      TensorSource weights,
      Optional<Device> device,
      ReadoutOptions options)
      throws IOException {
    BertConfig config = BertConfig.read(files.config());
    SentenceTransformer sentences = SentenceTransformer.read(files);
    JsonTokenizer tokenizer = JsonTokenizer.open(files.file(TOKENIZER));
    try {
      if (tokenizer.size() > config.vocabulary()) {
        throw AddedTokens.beyond(
            files.file(TOKENIZER),
            tokenizer.lastToken(),
            tokenizer.size() - 1,
            config.vocabulary(),
            files.config());
      }
      AddedTokens.check(files.file(AddedTokens.FILE), config.vocabulary(), files.config());
      sentences.check(tokenizer, files);
      int maxTokens = Math.min(options.maxSourceTokens(), config.maxTokens());
      Bert bert = Bert.load(config, maxTokens, weights, device, options.precision());
      SentenceRows rows =
          new SentenceRows(
              tokenizer, sentences.pooling(), sentences.prefix(), config.width(), maxTokens);
      return new Loaded(tokenizer, bert, rows);
    } catch (IOException | RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  private record Loaded(JsonTokenizer json, Bert bert, SentenceRows sentences)
      implements FamilyModel {
    @Override
    public Tokenizer tokenizer() {
      return json;
    }

    @Override
    public Backbone backbone() {
      return bert;
    }

    @Override
    public RowEncoder rows() {
      return sentences;
    }

    @Override
    public boolean answersBare() {
      return true;
    }

    @Override
    public HeadForm heads() {
      return HeadForm.JOINT;
    }

    @Override
    public LexicalFeatures lexical() {
      return new LexicalFeatures(json, LexicalFeatures.Form.BESIDE_STATES);
    }

    @Override
    public LabelReadout labels() {
      return new SimilarityReadout(bert, sentences);
    }

    @Override
    public Optional<TextReadout> text() {
      return Optional.empty();
    }

    @Override
    public void close() {
      bert.close();
      json.close();
    }
  }
}
