package io.hyperstream.app.http;

import io.hyperstream.schemas.AdaptationAction;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;

/**
 * An order to a task's adaptation.
 *
 * @param version of ROLLBACK: where to; left out: to the parent
 * @param text of FORGET: which example
 * @param textPair of FORGET: the example's second text
 * @param all of FORGET: true, and no text: every example of the task
 * @param reason found again in the report
 */
@Serdeable
@Schema(name = "Command")
public record CommandInput(
    @NotNull AdaptationAction action,
    @Nullable @Min(1) Long version,
    @Nullable String text,
    @Nullable String textPair,
    @Nullable Boolean all,
    @Nullable @Size(max = 1000) String reason) {}
