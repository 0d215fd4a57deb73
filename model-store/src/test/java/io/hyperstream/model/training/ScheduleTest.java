package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A learning rate schedule")
class ScheduleTest {

  @Test
  @DisplayName("rises from 0 over the warm-up and falls to 0 at the end")
  void linear() {
    Schedule schedule = Schedule.linear(8, 2, 10);
    assertThat(schedule.at(0)).isZero();
    assertThat(schedule.at(1)).isEqualTo(4);
    assertThat(schedule.at(2)).isEqualTo(8);
    assertThat(schedule.at(6)).isEqualTo(4, within(1e-12));
    assertThat(schedule.at(10)).isZero();
    assertThat(schedule.at(11)).isZero();
  }

  @Test
  @DisplayName("stays constant after an optional warm-up")
  void constant() {
    assertThat(Schedule.constant(3).at(0)).isEqualTo(3);
    Schedule warmed = new Schedule(Schedule.Kind.CONSTANT, 3, 3, 0);
    assertThat(warmed.at(1)).isEqualTo(1, within(1e-12));
    assertThat(warmed.at(1_000_000)).isEqualTo(3);
  }

  @Test
  @DisplayName("says what is wrong with impossible settings")
  void impossible() {
    assertThatThrownBy(() -> Schedule.linear(1, 10, 5)).hasMessageContaining("warm-up of 10");
    assertThatThrownBy(() -> Schedule.constant(Double.NaN)).hasMessageContaining("NaN");
  }
}
