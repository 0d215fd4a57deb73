package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.store.ShippedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that need a model and no Kafka. */
class ModelCommandsTest {
  @TempDir Path folder;

  @Test
  @DisplayName("inspect shows files, parameters and tasks of the starter model")
  void inspect() throws IOException {
    JsonNode model = json(run("model", "inspect", "starter-t5-mini", "--json"));

    assertThat(model.get("name").asText()).isEqualTo("starter-t5-mini");
    assertThat(model.get("parameters").get("backbone").longValue()).isEqualTo(7_344_640);
    assertThat(model.get("parameters").get("tasks").intValue()).isEqualTo(18);
    assertThat(model.get("sourceTasks")).hasSize(18);
    assertThat(run("model", "inspect", "starter-t5-mini").out())
        .contains(
            "clinc_banking", "test accuracy", "of the backbone", model.get("modelId").asText());
  }

  @Test
  @DisplayName("inspect counts the paper's configuration: 0.292 % per task, 1.023x in total")
  void plannedParameters() throws IOException {
    Path t5 =
        Files.writeString(
            folder.resolve("config.json"),
            """
            {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "d_model": 768,
             "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12, "vocab_size": 32128,
             "relative_attention_num_buckets": 32, "layer_norm_epsilon": 1e-6,
             "decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
            """);
    Path adapters =
        Files.writeString(
            folder.resolve("adapter_config.json"),
            """
            {"kind": "meta-adapter", "reduction_factor": 32, "task_embedding_dim": 64,
             "projected_task_embedding_dim": 64, "task_hidden_dim": 128,
             "non_linearity": "gelu_new", "conditional_layer_norm": true,
             "add_layer_norm_before_adapter": false, "add_layer_norm_after_adapter": true,
             "train_adapters_blocks": true, "efficient_unique_hyper_net": true}
            """);
    JsonNode count =
        json(
            run(
                "model",
                "inspect",
                "--t5-config",
                t5.toString(),
                "--adapter-config",
                adapters.toString(),
                "--tasks",
                "8",
                "--json"));

    assertThat(count.get("backbone").longValue()).isEqualTo(222_903_552);
    assertThat(count.get("trained").longValue()).isEqualTo(5_211_056);
    assertThat(String.format(Locale.ROOT, "%.3f", count.get("percentPerTask").doubleValue()))
        .isEqualTo("0.292");
    assertThat(String.format(Locale.ROOT, "%.3f", count.get("totalRatio").doubleValue()))
        .isEqualTo("1.023");
  }

  @Test
  @DisplayName("import copies a folder under a name; list shows it; verify finds a changed byte")
  void importListVerify() throws IOException {
    JsonNode starter = json(run("model", "inspect", "starter-t5-mini", "--json"));
    JsonNode imported =
        json(run("model", "import", starter.get("directory").asText(), "--name", "mine", "--json"));
    assertThat(imported.get("modelId")).isEqualTo(starter.get("modelId"));
    assertThat(run("model", "list").out()).contains("mine@1", "starter-t5-mini@1");
    assertThat(run("model", "verify", "mine").exitCode()).isZero();

    Path weights = Path.of(imported.get("directory").asText(), "tasks.json");
    Files.writeString(weights, " ", StandardOpenOption.APPEND);
    CommandRun damaged = run("model", "verify", "mine", "--json");
    assertThat(damaged.exitCode()).isEqualTo(ExitCodes.VERIFICATION_FAILED);
    assertThat(json(damaged).get("pass").booleanValue()).isFalse();
    assertThat(json(damaged).get("reason").asText()).contains("tasks.json");
  }

  @Test
  @DisplayName("a model that is not there is named with those that are")
  void unknownModel() {
    assertThat(run("model", "list").err()).contains("is empty", "bge-small", "starter-t5-mini");
    run("model", "inspect", "starter-t5-mini");
    CommandRun run = run("model", "inspect", "nope");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains("nope", "starter-t5-mini@1");
  }

  @Test
  @DisplayName("predict: a file of mixed tasks in order, a failing row says why in its place")
  void predict() throws IOException {
    Path rows =
        Files.writeString(
            folder.resolve("rows.jsonl"),
            """
            {"taskId": "pros_cons", "text": "awful noise, poor screen"}
            {"taskId": "mams_acsa", "text": "food"}
            {"text": "my card was stolen, report the charges"}
            """);
    CommandRun run =
        run(
            "predict",
            "--model",
            "starter-t5-mini",
            "--task",
            "clinc_banking",
            "--json",
            rows.toString());

    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    ObjectMapper mapper = new ObjectMapper();
    JsonNode[] answers = run.out().lines().map(line -> read(mapper, line)).toArray(JsonNode[]::new);
    assertThat(answers).hasSize(3);
    assertThat(answers[0].get("label").asText()).isEqualTo("cons");
    assertThat(answers[0].get("distribution").get("cons").floatValue())
        .isEqualTo(answers[0].get("score").floatValue());
    assertThat(answers[1].get("error").get("code").asText()).isEqualTo("MISSING_TEXT_PAIR");
    assertThat(answers[2].get("label").asText()).isEqualTo("report fraud");
  }

  @Test
  @DisplayName("predict knows the tasks of a YAML file, and names those it knows")
  void predictDefinitions() throws IOException {
    Path yaml =
        Files.writeString(
            folder.resolve("t.yaml"),
            "taskId: opinion\nlabels: [cons, pros]\ninitFrom: [pros_cons]");
    CommandRun run =
        run(
            "predict",
            "--model",
            "starter-t5-mini",
            "-t",
            "opinion",
            "--definitions",
            yaml.toString(),
            "--text",
            "awful noise");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("opinion", "cons", "awful noise");

    CommandRun unknown =
        run("predict", "--model", "starter-t5-mini", "-t", "opinion", "--text", "awful noise");
    assertThat(unknown.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(unknown.err()).contains("no task 'opinion'", "pros_cons", "--definitions");
  }

  @Test
  @DisplayName("without a name the encoder is meant: inspect, list, verify, predict, tasks create")
  void encoderByDefault() throws IOException {
    JsonNode model = json(run("model", "inspect", "--json"));
    assertThat(model.get("name").asText()).isEqualTo("bge-small").isEqualTo(ShippedModel.DEFAULT);
    assertThat(model.get("family").asText()).isEqualTo("bert");
    assertThat(model.get("sourceTasks")).hasSize(18);
    assertThat(run("model", "verify").out()).contains("bge-small@1", "match their checksums");
    run("model", "inspect", "starter-t5-mini");
    assertThat(run("model", "list").out().lines())
        .anyMatch(line -> line.matches("bge-small@1 +bert +\\S+ +6[0-9]\\.[0-9] MiB +18 tasks .*"))
        .anyMatch(line -> line.matches("starter-t5-mini@1 +t5 +\\S+ .* 18 tasks .*"));

    Path yaml =
        Files.writeString(
            folder.resolve("t.yaml"), "taskId: weather\nlabels: [rain, sunshine, snow]");
    CommandRun answer =
        run(
            "predict",
            "-t",
            "weather",
            "--definitions",
            yaml.toString(),
            "--text",
            "It was pouring all day and everybody got wet.",
            "--json");
    assertThat(json(answer).get("label").asText()).isEqualTo("rain");
    assertThat(run("predict", "-t", "pros_cons", "--text", "awful noise").out()).contains("cons");

    String backbone = Path.of(model.get("directory").asText(), "backbone").toString();
    run("model", "import", backbone, "--name", "bare");
    CommandRun unknown =
        run("predict", "--model", "bare", "-t", "pros_cons", "--text", "awful noise");
    assertThat(unknown.err())
        .contains("no task 'pros_cons'", "not trained on any", "--definitions");
    assertThat(run("tasks", "create", "--model", "bare", "--from-model").err())
        .contains("bare was not trained on any task", "-f FILE.yaml", "starter-t5-mini");
    assertThat(run("embed", "--model", "bare", "--task", "pros_cons", "--text", "nice").err())
        .contains("has no adapters of any task");
  }

  @Test
  @DisplayName("import refuses what cannot be served: a sentence, an exit code, nothing stored")
  void importRefused() throws IOException {
    JsonNode starter = json(run("model", "inspect", "starter-t5-mini", "--json"));
    Path backbone = Path.of(starter.get("directory").asText(), "backbone");
    Path broken = Files.createDirectories(folder.resolve("broken"));
    for (String name : new String[] {"config.json", "spiece.model"}) {
      Files.copy(backbone.resolve(name), broken.resolve(name));
    }
    Files.writeString(
        broken.resolve("model.safetensors"),
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    refused(broken, "model.safetensors is a Git LFS pointer", "git lfs pull");

    Files.copy(
        backbone.resolve("model.safetensors"),
        broken.resolve("model.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);
    String config = Files.readString(broken.resolve("config.json"));
    ObjectNode untied = (ObjectNode) new ObjectMapper().readTree(config);
    untied.put("tie_word_embeddings", false);
    Files.writeString(broken.resolve("config.json"), untied.toString());
    refused(broken, "model.safetensors has no tensor 'lm_head.weight'");

    Files.writeString(broken.resolve("config.json"), config);
    CommandRun prefixed = run("model", "import", broken.toString(), "--prefix", "query: ");
    assertThat(prefixed.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(prefixed.err()).contains("a t5 has no prefix");
    assertThat(run("model", "import", broken.toString()).exitCode()).isZero();
  }

  private void refused(Path broken, String... said) {
    CommandRun run = run("model", "import", broken.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains(said).doesNotContain("Exception", "--verbose");
    assertThat(run("model", "list").out()).doesNotContain("broken");
  }

  @Test
  @DisplayName("a prefix given at import is shown by inspect")
  void prefix() throws IOException {
    JsonNode encoder = json(run("model", "inspect", "--json"));
    String backbone = Path.of(encoder.get("directory").asText(), "backbone").toString();
    assertThat(run("model", "import", backbone, "--name", "e5", "--prefix", "query: ").exitCode())
        .isZero();
    JsonNode e5 = json(run("model", "inspect", "e5", "--json"));
    assertThat(e5.get("backbone").get("prefix").asText()).isEqualTo("query: ");
    assertThat(e5.get("modelId")).isNotEqualTo(encoder.get("modelId"));
  }

  private CommandRun run(String... args) {
    String[] all = java.util.Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--model-dir";
    all[args.length + 1] = folder.resolve("store").toString();
    return CommandRun.of(all);
  }

  private static JsonNode json(CommandRun run) throws IOException {
    assertThat(run.out()).as(run.err()).isNotEmpty();
    return new ObjectMapper().readTree(run.out());
  }

  private static JsonNode read(ObjectMapper mapper, String line) {
    try {
      return mapper.readTree(line);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
