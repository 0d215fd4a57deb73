package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.schemas.AdaptationPolicy;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A defined task and its state. Its policy comes from a user: values outside the documented ranges
 * are clamped to them.
 *
 * @param state may be changed; {@link TaskStore#save} keeps the changes
 */
record OwnedTask(
    String taskId, TaskState state, TaskDefinition definition, AdaptationPolicy policy) {
  private static final int MAX_EXAMPLES_PER_LABEL = 100_000;

  Set<String> labels() {
    Set<String> names = new LinkedHashSet<>();
    definition.labels().stream().map(Label::name).forEach(names::add);
    return names;
  }

  int triggerExamples() {
    return Math.max(1, policy.getTriggerExamples());
  }

  int maxExamplesPerLabel() {
    return Math.max(1, Math.min(MAX_EXAMPLES_PER_LABEL, policy.getMaxExamplesPerLabel()));
  }

  double heldOutFraction() {
    return Math.max(0, Math.min(0.5, policy.getHeldOutFraction()));
  }

  double promotionProbability() {
    return Math.max(0.5, Math.min(1, policy.getPromotionProbability()));
  }

  Method method() {
    return switch (policy.getMethod()) {
      case AUTO -> Method.AUTO;
      case PROTOTYPES -> Method.PROTOTYPES;
      case EMBEDDING -> Method.EMBEDDING;
      case WEIGHTS -> Method.WEIGHTS;
    };
  }

  long minIntervalMillis() {
    return 1_000L * Math.max(0, policy.getMinIntervalSeconds());
  }
}
