package io.hyperstream.app.http;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.LabelScoring;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.TaskKind;
import io.micronaut.serde.annotation.SerdeImport;
import io.swagger.v3.oas.annotations.OpenAPIDefinition;
import io.swagger.v3.oas.annotations.enums.SecuritySchemeIn;
import io.swagger.v3.oas.annotations.enums.SecuritySchemeType;
import io.swagger.v3.oas.annotations.info.Info;
import io.swagger.v3.oas.annotations.info.License;
import io.swagger.v3.oas.annotations.security.SecurityRequirement;
import io.swagger.v3.oas.annotations.security.SecurityScheme;

/** What stands at the head of the API's description; the rest is taken from the controllers. */
@OpenAPIDefinition(
    info =
        @Info(
            title = "Hyperstream",
            version = "1",
            description =
                "Tasks, predictions, examples and reports. Every change is a record in"
                    + " Kafka, acknowledged before the answer. Errors are"
                    + " application/problem+json.",
            license = @License(name = "Apache-2.0")),
    security = {@SecurityRequirement(name = "bearer"), @SecurityRequirement(name = "apiKey")})
@SecurityScheme(name = "bearer", type = SecuritySchemeType.HTTP, scheme = "bearer")
@SecurityScheme(
    name = "apiKey",
    type = SecuritySchemeType.APIKEY,
    in = SecuritySchemeIn.HEADER,
    paramName = "X-API-Key")
@SerdeImport(TaskKind.class)
@SerdeImport(OverLengthPolicy.class)
@SerdeImport(LabelScoring.class)
@SerdeImport(AdaptationMethod.class)
@SerdeImport(AdaptationAction.class)
@SerdeImport(AdaptationOutcome.class)
@SerdeImport(AdapterForm.class)
final class ApiDescription {
  private ApiDescription() {}
}
