package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.core.convert.exceptions.ConversionErrorException;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.server.exceptions.ConversionErrorHandler;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values of another kind than expected, without what they are inside this program. */
@Singleton
@Replaces(ConversionErrorHandler.class)
final class ConversionHandler
    implements ExceptionHandler<ConversionErrorException, MutableHttpResponse<Problem>> {
  private static final Pattern PLACE = Pattern.compile("line: (\\d+), column: (\\d+)");
  private static final Pattern CLASS = Pattern.compile("`?(?:[a-z]\\w*\\.)+([A-Z]\\w*)`?");
  private static final String BECAUSE = "due to: ";

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, ConversionErrorException failure) {
    String reason = readable(String.valueOf(failure.getMessage()));
    if (failure.getArgument().isAnnotationPresent(Body.class)) {
      return Problems.response(request, HttpStatus.BAD_REQUEST, "the body: " + reason);
    }
    String name = failure.getArgument().getName();
    return Problems.response(
        request,
        HttpStatus.BAD_REQUEST,
        name + ": " + reason,
        List.of(new FieldError(name, reason)));
  }

  /** The innermost reason, and where in the body. */
  static String readable(String message) {
    Matcher place = PLACE.matcher(message);
    String where =
        place.find() ? " (line " + place.group(1) + ", column " + place.group(2) + ")" : "";
    String reason = message.substring(innermost(message)).lines().findFirst().orElse("");
    return CLASS.matcher(reason).replaceAll("$1").strip() + where;
  }

  private static int innermost(String message) {
    int because = message.lastIndexOf(BECAUSE);
    return because < 0 ? 0 : because + BECAUSE.length();
  }
}
