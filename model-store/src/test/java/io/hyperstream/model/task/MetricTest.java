package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Metrics")
class MetricTest {
  private static final Offset<Double> EXACT = within(1e-12);
  private static final int[] GOLD = {0, 1, 2, 2, 1, 0, 1, 1, 2, 0};
  private static final int[] SAID = {0, 2, 2, 2, 1, 0, 0, 1, 1, 0};

  @Test
  @DisplayName("of labels, against values computed from their textbook definitions")
  void labels() {
    assertThat(Metric.ACCURACY.of(GOLD, SAID, 3)).isEqualTo(0.7);
    assertThat(Metric.MACRO_F1.of(GOLD, SAID, 3)).isCloseTo(0.6984126984126983, EXACT);
    assertThat(Metric.MATTHEWS.of(GOLD, SAID, 3)).isCloseTo(0.5606060606060607, EXACT);
    int[] gold = {0, 1, 1, 1, 0, 0, 1, 1, 0, 1};
    int[] said = {0, 1, 0, 1, 1, 0, 1, 1, 0, 0};
    assertThat(Metric.F1.of(gold, said, 2)).isCloseTo(0.7272727272727273, EXACT);
    assertThat(Metric.MATTHEWS.of(gold, said, 2)).isCloseTo(0.40824829046386296, EXACT);
  }

  @Test
  @DisplayName("labels absent from the references do not count in macro-F1, wrong answers do")
  void absentLabels() {
    assertThat(Metric.MACRO_F1.of(new int[] {0, 0}, new int[] {0, 0}, 5)).isEqualTo(1);
    assertThat(Metric.ACCURACY.of(new int[] {0, 1}, new int[] {-1, 1}, 2)).isEqualTo(0.5);
    assertThat(Metric.MATTHEWS.of(new int[] {0, 0}, new int[] {0, 1}, 2)).isZero();
  }

  @Test
  @DisplayName("of numbers, ties sharing their rank")
  void numbers() {
    double[] x = {1, 2, 2, 4, 5, 3.5};
    double[] y = {1.1, 1.9, 3, 3, 6, 2};
    assertThat(Metric.PEARSON.of(x, y)).isCloseTo(0.8050088687060538, EXACT);
    assertThat(Metric.SPEARMAN.of(x, y)).isCloseTo(0.8382352941176471, EXACT);
    assertThat(Metric.SPEARMAN.of(x, new double[6])).isZero();
  }

  @Test
  @DisplayName("refuse rows that do not match and values of the other kind")
  void refusals() {
    assertThatThrownBy(() -> Metric.ACCURACY.of(new int[2], new int[1], 2))
        .hasMessageContaining("1 and 2");
    assertThatThrownBy(() -> Metric.F1.of(new double[2], new double[2]))
        .hasMessageContaining("f1 compares labels");
    assertThatThrownBy(() -> Metric.PEARSON.of(new int[2], new int[2], 2))
        .hasMessageContaining("compares numbers");
  }
}
