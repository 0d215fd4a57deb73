package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Names someone may have meant")
class NearNamesTest {

  @Test
  @DisplayName("are near, the nearest first, and never the name itself")
  void near() {
    List<String> known = List.of("routing", "support-routing", "rooting", "weather");
    assertThat(NearNames.of("routin", known)).startsWith("routing").doesNotContain("weather");
    assertThat(NearNames.of("weather", known)).isEmpty(); // defined a moment ago
    assertThat(NearNames.of("", known)).isEmpty();
  }
}
