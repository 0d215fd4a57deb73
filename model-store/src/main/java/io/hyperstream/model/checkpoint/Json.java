package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads small JSON files with a size limit and errors that name the file and the field. */
final class Json {
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private Json() {}

  static JsonNode read(Path file, long maxBytes) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString());
    }
    long size = Files.size(file);
    if (size > maxBytes) {
      throw new IOException(file + " has " + size + " bytes; at most " + maxBytes + " are read");
    }
    return parse(Files.readAllBytes(file), file.toString());
  }

  static JsonNode parse(byte[] bytes, String where) throws IOException {
    try {
      JsonNode node = MAPPER.readTree(bytes);
      if (node == null || node.isMissingNode()) {
        throw new IOException(where + " is empty; expected JSON");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw new IOException(where + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  static String text(JsonNode node, String field, String where) throws IOException {
    JsonNode value = node.path(field);
    if (!value.isTextual()) {
      throw new IOException(where + " needs the text field '" + field + "'; it is " + kind(value));
    }
    return value.textValue();
  }

  static int positive(JsonNode node, String field, String where) throws IOException {
    JsonNode value = node.path(field);
    if (!value.canConvertToInt() || value.intValue() < 1) {
      throw new IOException(where + " needs '" + field + "' of at least 1; it is " + kind(value));
    }
    return value.intValue();
  }

  static long size(JsonNode node, String field, String where) throws IOException {
    JsonNode value = node.path(field);
    if (!value.canConvertToLong() || !value.isIntegralNumber() || value.longValue() < 0) {
      throw new IOException(where + " needs '" + field + "' of at least 0; it is " + kind(value));
    }
    return value.longValue();
  }

  static List<String> texts(JsonNode node, String field, String where) throws IOException {
    List<String> out = new ArrayList<>();
    for (JsonNode value : array(node, field, where)) {
      if (!value.isTextual()) {
        throw new IOException(where + ": '" + field + "' holds texts only; found " + kind(value));
      }
      out.add(value.textValue());
    }
    return out;
  }

  static JsonNode array(JsonNode node, String field, String where) throws IOException {
    JsonNode value = node.path(field);
    if (!value.isArray()) {
      throw new IOException(where + " needs the list '" + field + "'; it is " + kind(value));
    }
    return value;
  }

  private static String kind(JsonNode value) {
    return value.isMissingNode() ? "missing" : value.isContainerNode() ? "a structure" : "" + value;
  }
}
