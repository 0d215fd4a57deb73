package io.hyperstream.app.http;

import io.micronaut.core.annotation.Introspected;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.List;

/** One labelled example, or several in {@code items}. */
@Serdeable
@Introspected
@Schema(name = "Examples")
public final class ExamplesInput extends ExampleInput {
  @Nullable
  @Size(min = 1, max = 1000)
  private List<@Valid @NotNull ExampleInput> items;

  /** Several at once; then nothing stands beside them. */
  @Nullable
  public List<ExampleInput> getItems() {
    return items;
  }

  public void setItems(@Nullable List<ExampleInput> items) {
    this.items = items;
  }
}
