package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.core.convert.exceptions.ConversionErrorException;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.ConversionErrorHandler;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import jakarta.inject.Singleton;
import java.util.List;

/** Parameters of another type than expected, without what they are inside this program. */
@Singleton
@Replaces(ConversionErrorHandler.class)
final class ConversionHandler
    implements ExceptionHandler<ConversionErrorException, MutableHttpResponse<Problem>> {

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, ConversionErrorException failure) {
    String name = failure.getArgument().getName();
    String came = failure.getConversionError().getOriginalValue().map(String::valueOf).orElse("");
    String reason = Expectation.sentence(failure.getArgument().getType(), Expectation.text(came));
    return Problems.response(
        request,
        HttpStatus.BAD_REQUEST,
        name + ": " + reason,
        List.of(new FieldError(name, reason)));
  }
}
