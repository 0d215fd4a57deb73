package io.hyperstream.app.http;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.core.exc.StreamReadException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonMappingException.Reference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.hyperstream.app.http.problem.Expectation;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.streams.JsonSentences;
import io.hyperstream.model.task.NearNames;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.beans.BeanIntrospector;
import io.micronaut.core.order.Ordered;
import io.micronaut.core.type.Argument;
import io.micronaut.core.type.Headers;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Consumes;
import io.micronaut.http.body.MessageBodyReader;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.List;

/**
 * Bodies of requests: one JSON object in UTF-8 and nothing behind it, no field twice, no field that
 * does not exist, and no value for one of another type. Micronaut's own reader takes {@code "yes"}
 * for false, 3.7 for 3 and a list for its element. Any thread.
 */
@Singleton
@Consumes({MediaType.APPLICATION_JSON, MediaType.APPLICATION_JSON_MERGE_PATCH})
final class BodyReader<T> implements MessageBodyReader<T>, Ordered {
  private static final ObjectMapper JSON = strict();

  private static ObjectMapper strict() {
    JsonMapper.Builder json =
        JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS);
    for (CoercionInputShape shape : CoercionInputShape.values()) {
      json.withCoercionConfigDefaults(all -> all.setCoercion(shape, CoercionAction.Fail));
      json.withCoercionConfig(
          LogicalType.Textual, text -> text.setCoercion(shape, CoercionAction.Fail));
    }
    return json.withCoercionConfig(
            LogicalType.Float,
            number -> number.setCoercion(CoercionInputShape.Integer, CoercionAction.TryConvert))
        .build();
  }

  /** Before Micronaut's. */
  @Override
  public int getOrder() {
    return HIGHEST_PRECEDENCE;
  }

  @Override
  public boolean isReadable(Argument<T> type, MediaType mediaType) {
    return type.isAnnotationPresent(Body.class);
  }

  @Override
  public T read(Argument<T> type, MediaType mediaType, Headers headers, InputStream body) {
    try (JsonParser parser = JSON.createParser(body)) {
      return read(parser, type.getType());
    } catch (IOException e) {
      throw ProblemException.body("it is not JSON in UTF-8");
    }
  }

  /**
   * An object that was read as a tree.
   *
   * @throws ProblemException as for a body
   */
  static <V> V read(JsonNode tree, Class<V> type) {
    try (JsonParser parser = JSON.treeAsTokens(tree)) {
      return read(parser, type);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As it would be read. */
  static JsonNode write(Object value) {
    return JSON.valueToTree(value);
  }

  private static <V> V read(JsonParser parser, Class<V> type) throws IOException {
    try {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw ProblemException.body(Expectation.sentence(Object.class, Expectation.came(parser)));
      }
      V value = JSON.readValue(parser, type);
      if (parser.nextToken() != null) {
        throw ProblemException.body(
            "something follows the first value" + place(parser.currentTokenLocation()));
      }
      return value;
    } catch (JsonMappingException e) {
      throw e.getCause() instanceof StreamReadException wrong
              && !(wrong instanceof InputCoercionException)
          ? notJson(wrong)
          : ProblemException.field(field(e.getPath()), wrong(e, parser));
    } catch (JsonProcessingException e) {
      throw notJson(e);
    }
  }

  private static ProblemException notJson(JsonProcessingException failure) {
    return ProblemException.body(JsonSentences.of(failure) + place(failure.getLocation()));
  }

  private static String place(@Nullable JsonLocation at) {
    return at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
  }

  /** Such as {@code labels[0].name}. */
  private static String field(List<Reference> path) {
    StringBuilder field = new StringBuilder();
    for (Reference part : path) {
      if (part.getFieldName() == null) {
        field.append('[').append(part.getIndex()).append(']');
      } else {
        field.append(field.length() == 0 ? "" : ".").append(part.getFieldName());
      }
    }
    return field.toString();
  }

  private static String wrong(JsonMappingException failure, JsonParser parser) throws IOException {
    if (failure instanceof UnrecognizedPropertyException unknown) {
      return "there is no such field" + near(unknown);
    }
    String came = Expectation.came(parser);
    if (failure.getCause() instanceof InputCoercionException coercion) {
      return Expectation.sentence(coercion.getTargetType(), came) + ", which is too large";
    }
    Class<?> expected =
        failure instanceof MismatchedInputException other && other.getTargetType() != null
            ? other.getTargetType()
            : Object.class;
    return Expectation.sentence(expected, came);
  }

  private static String near(UnrecognizedPropertyException unknown) {
    List<String> known =
        BeanIntrospector.SHARED
            .findIntrospection(unknown.getReferringClass())
            .map(bean -> List.of(bean.getPropertyNames()))
            .orElse(Collections.emptyList());
    return NearNames.hint(
        unknown.getPropertyName(), known, "; there are " + String.join(", ", known));
  }
}
