package io.hyperstream.model.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Parity with the published implementation")
class ParityCheckTest {
  static final Path FIXTURES = Path.of("src/test/resources/fixtures");

  @Test
  @DisplayName("every expectation of every fixture is met")
  void allFixtures() throws Exception {
    ParityReport report = ParityCheck.run(FIXTURES);

    assertThat(report.fixtures())
        .allSatisfy(
            fixture ->
                assertThat(fixture.checks())
                    .as(fixture.name())
                    .isNotEmpty()
                    .allMatch(ParityReport.Check::pass));
    assertThat(report.pass()).isTrue();
  }
}
