package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Mistakes that are found before any broker is asked. */
class CommandUsageTest {
  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @DisplayName("a call that cannot work exits with 2 and says what to do")
  @CsvSource(
      delimiter = '|',
      value = {
        "produce --format XML | LINES",
        "produce --column txt=a | there is no field 'txt'",
        "produce --column text=a | lines have no columns",
        "produce --task t --command-config /nowhere/client.properties | no such file: /nowhere/client",
        "produce --task t --no-such-option | hyperstream produce --help",
        "consume --dead-letters --task t | --task does not go with --dead-letters",
        "consume --max many | many",
        "tasks | list, show, create or retire",
        "tasks retire | TASK",
        "tasks create | -f=FILE.yaml",
        "tasks show | TASK",
        "predict --text hello | --text needs --task",
        "predict --text-pair hello --task t | --text-pair goes with --text",
        "serve | --embedded",
        "serve --embedded --bootstrap-servers a:1 | leave out --bootstrap-servers",
        "serve --embedded --kafka-port 70000 | got 70000",
        "serve --embedded --roles infrence | should be inference, adaptation or both",
        "serve --embedded --topic-prefix a/b | a topic prefix is at most 100 characters",
        "serve --config /nowhere.yml | no such file: /nowhere.yml",
        "label --format LINES | a line alone has no label",
        "label --text hello --label a | need --task",
        "label --task t --text hello | --retract to take a label back",
        "label --task t --text hello --label a --retract | --retract to take a label back",
        "label --task t file.tsv --label a | files have their own",
        "label --task t --text-pair b | --text-pair goes with --text",
        "adapt | --task=TASK",
        "adapt --task t --freeze --reset | mutually exclusive",
        "adapt --task t --timeout soon | 90s, 5m or 1h, got 'soon'",
        "versions | --task=TASK",
        "rollback --task t --to 0 | versions count from 1",
        "report --last -1 | --last must be 0 or more",
        "forget --task t | --text",
        "forget --task t --all --text-pair b | --text-pair goes with --text",
        "dead-letters | list or replay",
        "dead-letters replay | or all of them with --all",
        "dead-letters replay --all --code EMPTY_TEXT | or all of them with --all",
        "dead-letters replay --all --max-replays 0 | --max-replays must be 1 or more",
        "dead-letters replay --letter 17 | such as 2@17, got '17'",
        "dead-letters list --code EMPTY_TXT | there is no code 'EMPTY_TXT'; did you mean EMPTY_TEXT?",
        "dead-letters replay --code FOO | there is no code 'FOO'; there are UNDECODABLE",
        "evaluate --data /nowhere --few-shot 4,0 | --few-shot must be 1 or more; it is 0",
        "evaluate --data /nowhere --seeds 0 | --seeds must be 1 or more; it is 0",
        "evaluate --data /nowhere --max-test-rows -1 | --max-test-rows must be 1 or more; it is -1",
        "demo --http-port 70000 | or 0 for a free one; got 70000",
        "consume --max 0 | --max must be 1 or more",
        "dead-letters list --since yesterday | 12h or 7d, or a moment",
        "api-key --name ann | --role=ROLE",
        "api-key --name ann --role boss | read, predict, teach or admin",
        "api-key --name a:b --role read | got 'a:b'",
        "demo extra | hyperstream demo --help",
        "model | import, list, inspect or verify",
        "model verify --fixtures /nowhere | no such folder: /nowhere",
        "model verify a --fixtures /nowhere | not both",
        "model inspect --adapter-config a.json | --adapter-config goes with --t5-config",
      })
  void usage(String line, String message) {
    CommandRun run = CommandRun.of(line.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains(message).doesNotContain("\tat ");
    assertThat(run.out()).isEmpty();
  }

  @Test
  @DisplayName("a file that is not there, a bad task id and bad YAML are failures named as such")
  void files() throws IOException {
    assertThat(CommandRun.of("produce", "--task", "t", "/nowhere.txt").err())
        .contains("no such file: /nowhere.txt");
    assertThat(CommandRun.of("produce", "--task", "a b").err()).contains("a task id is 1 to 128");
    Path yaml = Files.writeString(folder.resolve("t.yaml"), "taskId: a\nlabels: x\n");
    CommandRun run = CommandRun.of("tasks", "create", "-f", yaml.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains("t.yaml:2: 'labels' of a task must be a list");
  }
}
