package io.hyperstream.app.http;

import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.model.task.NearNames;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.web.router.MethodBasedRouteMatch;
import io.micronaut.web.router.RouteAttributes;
import java.util.Arrays;
import java.util.List;

/** A misspelt parameter of a query would be left out without a word, and all be answered. */
@ServerFilter("/api/**")
final class ParameterGuard {

  @RequestFilter
  void check(HttpRequest<?> request) {
    if (RouteAttributes.getRouteMatch(request).orElse(null)
        instanceof MethodBasedRouteMatch<?, ?> route) {
      check(request, route);
    }
  }

  private static void check(HttpRequest<?> request, MethodBasedRouteMatch<?, ?> route) {
    if (route.getDeclaringType() == AssetController.class) {
      return; // browsers' caches are told apart by what they like
    }
    List<String> known =
        Arrays.stream(route.getArguments())
            .filter(argument -> argument.isAnnotationPresent(QueryValue.class))
            .map(argument -> argument.getName())
            .toList();
    for (String name : request.getParameters().names()) {
      if (!known.contains(name)) {
        throw ProblemException.field(
            name,
            "there is no such parameter"
                + NearNames.hint(
                    name,
                    known,
                    known.isEmpty()
                        ? "; none is taken here"
                        : "; there are " + String.join(", ", known)));
      }
    }
  }
}
