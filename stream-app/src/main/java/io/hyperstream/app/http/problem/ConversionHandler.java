package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.model.task.NearNames;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.core.beans.BeanIntrospector;
import io.micronaut.core.convert.exceptions.ConversionErrorException;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.server.exceptions.ConversionErrorHandler;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import io.micronaut.serde.exceptions.SerdeException;
import io.micronaut.serde.exceptions.path.CollectionItemReferencePath;
import io.micronaut.serde.exceptions.path.PropertyReferencePath;
import io.micronaut.serde.exceptions.path.ReferencePath;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values of another kind than expected, without what they are inside this program. */
@Singleton
@Replaces(ConversionErrorHandler.class)
final class ConversionHandler
    implements ExceptionHandler<ConversionErrorException, MutableHttpResponse<Problem>> {
  private static final Pattern PLACE = Pattern.compile("line: (\\d+), column: (\\d+)");
  private static final String UNKNOWN = "Unknown property [";
  private static final String BECAUSE = "due to: ";

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, ConversionErrorException failure) {
    if (failure.getArgument().isAnnotationPresent(Body.class)) {
      ProblemException problem = ProblemException.body(failure);
      return Problems.response(request, problem.status(), problem.getMessage(), problem.errors());
    }
    String reason = readable(String.valueOf(failure.getMessage()));
    String name = failure.getArgument().getName();
    return Problems.response(
        request,
        HttpStatus.BAD_REQUEST,
        name + ": " + reason,
        List.of(new FieldError(name, reason)));
  }

  /** The field of a body that could not be read, by its place; empty if it is no single field. */
  static Optional<FieldError> field(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SerdeException wrong && !wrong.getPath().isEmpty()) {
        String message = String.valueOf(wrong.getMessage());
        return Optional.of(
            new FieldError(
                place(wrong.getPath()),
                message.startsWith(UNKNOWN)
                    ? "there is no such field" + near(wrong.getPath().get(0))
                    : readable(message)));
      }
    }
    return Optional.empty();
  }

  /** Such as {@code labels[0].name}; the path begins with the innermost part. */
  private static String place(List<ReferencePath> path) {
    StringBuilder place = new StringBuilder();
    for (int i = path.size() - 1; i >= 0; i--) {
      if (path.get(i) instanceof CollectionItemReferencePath item) {
        place.append('[').append(item.index()).append(']');
      } else {
        place.append(place.length() == 0 ? "" : ".").append(path.get(i).getArgument().getName());
      }
    }
    return place.toString();
  }

  private static String near(ReferencePath innermost) {
    if (!(innermost instanceof PropertyReferencePath field)) {
      return "";
    }
    return BeanIntrospector.SHARED
        .findIntrospection(field.type())
        .map(bean -> List.of(bean.getPropertyNames()))
        .map(
            known ->
                NearNames.hint(
                    field.property().getName(), known, "; there are " + String.join(", ", known)))
        .orElse("");
  }

  /** The innermost reason, and where in the body. */
  static String readable(String message) {
    Matcher place = PLACE.matcher(message);
    String where =
        place.find() ? " (line " + place.group(1) + ", column " + place.group(2) + ")" : "";
    String reason = message.substring(innermost(message)).lines().findFirst().orElse("");
    return Sentences.of(reason) + where;
  }

  private static int innermost(String message) {
    int because = message.lastIndexOf(BECAUSE);
    return because < 0 ? 0 : because + BECAUSE.length();
  }
}
