package io.hyperstream.app.cli;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.Template;
import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.LabelScoring;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Task definitions in YAML: one task, a list of tasks, a mapping {@code tasks: [...]}, or several
 * documents of these. Only data is read, no types are constructed.
 */
final class TaskYaml {
  static final int MAX_BYTES = 8 << 20;
  static final int MAX_TASKS = 10_000;
  static final int MAX_LABEL_LENGTH = 256;
  static final int MAX_DESCRIPTION_LENGTH = 4096;
  private static final int MAX_INIT_FROM = 256;

  /** The parser's time and garbage grow with the square of what has no white space in it. */
  private static final int MAX_RUN = 1 << 16;

  private static final List<String> TASK_FIELDS =
      List.of(
          "taskId",
          "kind",
          "labels",
          "template",
          "templatePair",
          "description",
          "overLength",
          "scoring",
          "initFrom",
          "abstainBelow",
          "adaptation");
  private static final List<String> LABEL_FIELDS = List.of("name", "verbalizer", "description");
  private static final List<String> POLICY_FIELDS =
      List.of(
          "enabled",
          "triggerExamples",
          "maxExamplesPerLabel",
          "heldOutFraction",
          "promotionProbability",
          "method",
          "tuneWeights",
          "minIntervalSeconds");

  private final String file;

  private TaskYaml(String file) {
    this.file = file;
  }

  /**
   * All definitions of a file, each checked as the application will check it.
   *
   * @param file its name, for messages
   * @throws CommandFailure with file, line and what was expected
   */
  static List<TaskDefinition> read(String file, InputStream in) throws IOException {
    byte[] bytes = in.readNBytes(MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) {
      throw CommandFailure.failed(file + " is larger than " + MAX_BYTES + " bytes; split it");
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw CommandFailure.failed(file + " is not UTF-8");
    }
    return new TaskYaml(file).definitions(text);
  }

  private void checkRuns(String text) {
    int line = 1;
    int run = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      run = Character.isWhitespace(c) ? 0 : run + 1;
      line += c == '\n' ? 1 : 0;
      if (run > MAX_RUN) {
        throw YamlFields.bad(
            file, line, "more than " + MAX_RUN + " characters without white space among them");
      }
    }
  }

  private List<TaskDefinition> definitions(String text) {
    checkRuns(text);
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MAX_BYTES);
    options.setNestingDepthLimit(16);
    options.setMaxAliasesForCollections(64);
    List<TaskDefinition> definitions = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    try {
      Yaml yaml = new Yaml(new SafeConstructor(options));
      for (Node document : yaml.composeAll(new StringReader(text))) {
        for (Node node : tasksOf(document)) {
          TaskDefinition definition = definition(node);
          if (!ids.add(definition.getTaskId())) { // at once: an alias repeats a task at no cost
            throw CommandFailure.failed(
                file + " defines the task '" + definition.getTaskId() + "' twice");
          }
          definitions.add(definition);
          if (definitions.size() > MAX_TASKS) {
            throw CommandFailure.failed(file + " has more than " + MAX_TASKS + " tasks; split it");
          }
        }
      }
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw YamlFields.bad(file, line, "not YAML: " + e.getProblem());
    } catch (YAMLException e) {
      throw CommandFailure.failed(file + ": not usable YAML: " + e.getMessage());
    }
    if (definitions.isEmpty()) {
      throw CommandFailure.failed(file + " defines no task");
    }
    return definitions;
  }

  private List<Node> tasksOf(Node document) {
    if (document instanceof SequenceNode sequence) {
      return sequence.getValue();
    }
    if (document instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key && key.getValue().equals("tasks")) {
          return YamlFields.of(file, document, "the file", List.of("tasks"))
              .list("tasks", MAX_TASKS);
        }
      }
    }
    return List.of(document);
  }

  private TaskDefinition definition(Node node) {
    YamlFields fields = YamlFields.of(file, node, "a task", TASK_FIELDS);
    String taskId = fields.requiredString("taskId", 128);
    TaskKind kind =
        fields
            .choice(
                "kind",
                TaskKind.class,
                List.of(TaskKind.CLASSIFICATION, TaskKind.REGRESSION, TaskKind.GENERATION))
            .orElse(TaskKind.CLASSIFICATION);
    TaskDefinition definition =
        TaskDefinition.newBuilder()
            .setTaskId(taskId)
            .setKind(kind)
            .setLabels(labels(fields))
            .setTemplate(
                fields.string("template", Template.MAX_LENGTH).orElse(Template.SINGLE.pattern()))
            .setTemplatePair(
                fields.string("templatePair", Template.MAX_LENGTH).orElse(Template.PAIR.pattern()))
            .setDescription(fields.string("description", MAX_DESCRIPTION_LENGTH).orElse(""))
            .setOverLength(
                fields
                    .choice("overLength", OverLengthPolicy.class)
                    .orElse(OverLengthPolicy.TRUNCATE))
            .setScoring(fields.choice("scoring", LabelScoring.class).orElse(LabelScoring.EXACT))
            .setInitFrom(fields.strings("initFrom", MAX_INIT_FROM, 128))
            .setAbstainBelow(fields.number("abstainBelow", 0, 1).orElse(0.0))
            .setAdaptation(adaptation(fields).orElse(null))
            .build();
    try {
      // The application's own checks, before anything is sent.
      Definitions.toModel(definition);
    } catch (IllegalArgumentException e) {
      throw fields.bad(e.getMessage());
    }
    return definition;
  }

  private List<TaskLabel> labels(YamlFields fields) {
    List<TaskLabel> labels = new ArrayList<>();
    int max = io.hyperstream.model.task.TaskDefinition.MAX_LABELS;
    for (Node node : fields.list("labels", max)) {
      TaskLabel.Builder label = TaskLabel.newBuilder();
      if (node instanceof MappingNode) {
        YamlFields named = YamlFields.of(file, node, "a label", LABEL_FIELDS);
        label.setName(Label.canonical(named.requiredString("name", MAX_LABEL_LENGTH)));
        label.setVerbalizer(named.string("verbalizer", MAX_LABEL_LENGTH).orElse(null));
        label.setDescription(
            named.string("description", Label.MAX_DESCRIPTION_LENGTH).orElse(null));
      } else {
        String name = YamlFields.scalar(file, node, "a label");
        if (name.length() > MAX_LABEL_LENGTH) {
          throw YamlFields.bad(
              file,
              YamlFields.lineOf(node),
              "a label has at most " + MAX_LABEL_LENGTH + " characters, got " + name.length());
        }
        label.setName(Label.canonical(name));
      }
      labels.add(label.build());
    }
    return labels;
  }

  private Optional<AdaptationPolicy> adaptation(YamlFields task) {
    return task.node("adaptation")
        .map(
            node -> {
              YamlFields fields = YamlFields.of(file, node, "'adaptation'", POLICY_FIELDS);
              AdaptationPolicy.Builder policy = AdaptationPolicy.newBuilder();
              fields.bool("enabled").ifPresent(policy::setEnabled);
              fields.integer("triggerExamples", 1, 1_000_000).ifPresent(policy::setTriggerExamples);
              fields
                  .integer("maxExamplesPerLabel", 1, 100_000)
                  .ifPresent(policy::setMaxExamplesPerLabel);
              fields.number("heldOutFraction", 0, 0.5).ifPresent(policy::setHeldOutFraction);
              fields
                  .number("promotionProbability", 0.5, 1)
                  .ifPresent(policy::setPromotionProbability);
              fields.choice("method", AdaptationMethod.class).ifPresent(policy::setMethod);
              fields.bool("tuneWeights").ifPresent(policy::setTuneWeights);
              fields
                  .integer("minIntervalSeconds", 0, Integer.MAX_VALUE)
                  .ifPresent(policy::setMinIntervalSeconds);
              return policy.build();
            });
  }
}
