package io.hyperstream.model.t5;

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
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** T5 v1.0, v1.1 and Flan-T5: encoder and decoder, SentencePiece. */
public final class T5Family implements ModelFamily {
  /** T5's tokenizer. */
  public static final String TOKENIZER = "spiece.model";

  @Override
  public String name() {
    return "t5";
  }

  @Override
  public boolean reads(JsonNode config) {
    return config.path("model_type").asText("t5").equals("t5");
  }

  @Override
  public List<String> files() {
    return List.of(TOKENIZER);
  }

  @Override
  public List<String> optionalFiles() {
    return List.of(AddedTokens.FILE);
  }

  @Override
  public Objective objective() {
    return Objective.TARGET_TOKENS;
  }

  @Override
  public BackboneShape shape(HuggingFaceLayout files) throws IOException {
    return T5Config.read(files.config()).shape();
  }

  @Override
  public Map<String, Object> details(HuggingFaceLayout files) throws IOException {
    T5Config config = T5Config.read(files.config());
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("dModel", config.dModel());
    details.put("dKv", config.dKv());
    details.put("dFf", config.dFf());
    details.put("heads", config.heads());
    details.put("encoderLayers", config.encoderLayers());
    details.put("decoderLayers", config.decoderLayers());
    details.put("vocabSize", config.vocabSize());
    details.put("activation", config.activation().configName());
    details.put("gated", config.gated());
    details.put("tiedEmbeddings", config.tiedEmbeddings());
    return details;
  }

  @Override
  public FamilyModel open(
      HuggingFaceLayout files,
      TensorSource weights,
      Optional<Device> device,
      ReadoutOptions options)
      throws IOException {
    T5Config config = T5Config.read(files.config());
    SentencePieceTokenizer tokenizer = SentencePieceTokenizer.open(files.file(TOKENIZER));
    try {
      if (tokenizer.size() > config.vocabSize() || tokenizer.endId() != config.eosId()) {
        throw new IOException(
            "%s has %d pieces and the end token %d; %s says vocab_size %d and eos_token_id %d: they belong to different models, take both from one"
                .formatted(
                    files.file(TOKENIZER),
                    tokenizer.size(),
                    tokenizer.endId(),
                    files.config(),
                    config.vocabSize(),
                    config.eosId()));
      }
      AddedTokens.check(files.file(AddedTokens.FILE), config.vocabSize(), files.config());
      return of(tokenizer, T5.load(config, weights, device, options.precision()), options);
    } catch (IOException | RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** A model of parts that are loaded already and closed with it. */
  public static FamilyModel of(SentencePieceTokenizer tokenizer, T5 t5, ReadoutOptions options) {
    return new Loaded(
        tokenizer,
        t5,
        new RenderedRows(tokenizer, t5.config().dModel(), options.maxSourceTokens()),
        options);
  }

  private record Loaded(
      SentencePieceTokenizer sentencePiece, T5 t5, RowEncoder rows, ReadoutOptions options)
      implements FamilyModel {
    @Override
    public Tokenizer tokenizer() {
      return sentencePiece;
    }

    @Override
    public Backbone backbone() {
      return t5;
    }

    @Override
    public boolean answersBare() {
      return false;
    }

    @Override
    public HeadForm heads() {
      return HeadForm.SEPARATE;
    }

    @Override
    public LexicalFeatures lexical() {
      return new LexicalFeatures(sentencePiece, LexicalFeatures.Form.ALONE);
    }

    @Override
    public LabelReadout labels() {
      return new DecoderReadout(t5, sentencePiece, options);
    }

    @Override
    public Optional<TextReadout> text() {
      return Optional.of(new DecodedText(t5, sentencePiece, options));
    }

    @Override
    public void close() {
      t5.close();
      sentencePiece.close();
    }
  }
}
