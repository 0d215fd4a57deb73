package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import io.micronaut.validation.exceptions.ConstraintExceptionHandler;
import jakarta.inject.Singleton;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.ConstraintViolationException;
import jakarta.validation.ElementKind;
import jakarta.validation.Path;
import java.util.Comparator;
import java.util.List;

/** Fields outside their limits, by their names. */
@Singleton
@Replaces(ConstraintExceptionHandler.class)
final class ViolationHandler
    implements ExceptionHandler<ConstraintViolationException, MutableHttpResponse<Problem>> {
  private static final int MOST_ERRORS = 20;

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, ConstraintViolationException violations) {
    List<FieldError> errors =
        violations.getConstraintViolations().stream()
            .map(violation -> new FieldError(field(violation), violation.getMessage()))
            .sorted(Comparator.comparing(FieldError::field).thenComparing(FieldError::message))
            .limit(MOST_ERRORS)
            .toList();
    FieldError first = errors.get(0);
    return Problems.response(
        request, HttpStatus.BAD_REQUEST, first.field() + ": " + first.message(), errors);
  }

  /** Of a body's field its path in the body, of a parameter its name. */
  private static String field(ConstraintViolation<?> violation) {
    StringBuilder field = new StringBuilder();
    String parameter = "";
    for (Path.Node node : violation.getPropertyPath()) {
      if (node.getKind() == ElementKind.PARAMETER) {
        parameter = node.getName();
      } else if (node.getKind() == ElementKind.CONTAINER_ELEMENT) {
        field.append(index(node));
      } else if (node.getKind() == ElementKind.PROPERTY) {
        field.append(index(node)).append(field.length() == 0 ? "" : ".").append(node.getName());
      }
    }
    return field.length() == 0 ? parameter : field.toString();
  }

  private static String index(Path.Node node) {
    return node.getIndex() == null ? "" : "[" + node.getIndex() + "]";
  }
}
