package io.hyperstream.app.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.testing.Allocation;
import io.hyperstream.testing.Mutations;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

@Label("Files and headers from anyone")
class InputFuzzTest {
  private static final List<byte[]> YAML =
      Mutations.utf8(
          """
          taskId: one
          labels: [yes, {name: no, verbalizer: "not"}]
          template: "say: {text}"
          adaptation: {enabled: true, triggerExamples: 4, heldOutFraction: 0.25}
          """,
          """
          tasks:
            - &a {taskId: a, labels: &l [x, y], initFrom: [b]}
            - {taskId: b, labels: *l, overLength: REJECT}
          ---
          - taskId: c
            kind: GENERATION
          """,
          "- {taskId: \"\\u00e4\", kind: regression, ? [complex, key] : !!binary aGk=}\n");

  private static final List<byte[]> ROWS =
      Mutations.utf8(
          "{\"text\": \"x\", \"key\": \"k\", \"attributes\": {\"a\": \"b\"}}\n{\"text\": \"y\"}\n",
          "text\ttextPair\tlabel\none\ttwo\ta\n\nthree\t\tb\r\n",
          "text,key\n\"a, \"\"b\"\"\",1\r\n\"c\nd\",\n",
          "just a line\n\uFEFFand another\n",
          "{\"text\": 1}\n[[[[]]]]\nnull\n");

  @Property(seed = "1")
  @Label("YAML is a list of tasks or refused in a sentence")
  void yaml(@ForAll long seed) throws Exception {
    byte[] bytes = Mutations.of(YAML, seed);
    long allocated =
        Allocation.of(
            () -> {
              try {
                assertThat(TaskYaml.read("x.yaml", new ByteArrayInputStream(bytes))).isNotEmpty();
              } catch (CommandFailure e) {
                assertThat(e.getMessage()).startsWith("x.yaml");
              }
            });
    assertThat(allocated).isLessThan(32 << 20);
  }

  @Example
  @Label("YAML that grows, nests, turns in circles or names a class is refused cheaply")
  void yamlBombs() throws Exception {
    StringBuilder laughs = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      String alias = "*a" + (i - 1);
      laughs.append(
          "a%d: &a%d [%s]\n"
              .formatted(
                  i,
                  i,
                  String.join(
                      ", ", List.of(alias, alias, alias, alias, alias, alias, alias, alias))));
    }
    String once = "- &t {taskId: t, labels: [" + "label, ".repeat(500) + "x]}\n";
    List<String> bombs =
        List.of(
            laughs.toString(),
            once + "- *t\n".repeat(60),
            "tasks: " + "[".repeat(100_000),
            "{".repeat(100_000),
            "- ".repeat(100_000),
            "? ".repeat(100_000),
            "&a [*a, *a]",
            "&a {taskId: *a, labels: *a}",
            "&a {*a : *a}",
            "!!java.net.URL [\"http://127.0.0.1:1/\"]",
            "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[]]]",
            "taskId: !!java.io.File /etc/passwd",
            "taskId: !include /etc/passwd\nlabels: [a, b]",
            "%TAG ! tag:x,2000:\n--- !y {}",
            "'" + "x".repeat(1_000_000),
            "taskId: " + "9".repeat(1_000_000),
            "taskId: |\n" + " x\n".repeat(100_000));
    for (String bomb : bombs) {
      long allocated =
          Allocation.of(
              () ->
                  assertThatThrownBy(
                          () ->
                              TaskYaml.read(
                                  "x.yaml", new ByteArrayInputStream(bomb.getBytes(UTF_8))))
                      .as(() -> bomb.substring(0, Math.min(100, bomb.length())))
                      .isInstanceOf(CommandFailure.class));
      assertThat(allocated)
          .as(() -> bomb.substring(0, Math.min(100, bomb.length())))
          .isLessThan(128 << 20);
    }
  }

  @Property(seed = "1")
  @Label("rows are read or refused one by one")
  void rows(@ForAll long seed) throws Exception {
    byte[] bytes = Mutations.of(ROWS, seed);
    for (InputFormat format : InputFormat.values()) {
      for (boolean labelled : new boolean[] {false, true}) {
        ByteArrayInputStream in = new ByteArrayInputStream(bytes);
        try (InputReader reader =
            labelled
                ? InputReader.ofLabels("rows.txt", in, format, Map.of())
                : InputReader.of("rows.txt", in, format, Map.of())) {
          readAll(reader, bytes.length);
        }
      }
    }
  }

  private static void readAll(InputReader reader, int most) throws Exception {
    for (int row = 0; row <= most; row++) {
      try {
        Optional<InputRow> next = reader.next();
        if (next.isEmpty()) {
          return;
        }
      } catch (InputRow.BadRowException e) {
        assertThat(e.getMessage()).startsWith("rows.txt:");
        if (e.endsFile()) {
          return;
        }
      }
    }
    throw new AssertionError("more rows than bytes");
  }

  @Property(seed = "1")
  @Label("dead letters are shown on one line, whatever their headers say")
  void deadLetters(@ForAll long seed) {
    Random random = new Random(seed);
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("letters", 0, 1, new byte[] {0x1b, 'k'}, null);
    for (String name :
        List.of(
            DeadLetterHeaders.ERROR_CODE,
            DeadLetterHeaders.ERROR_MESSAGE,
            DeadLetterHeaders.SOURCE_TOPIC,
            DeadLetterHeaders.SOURCE_PARTITION,
            DeadLetterHeaders.SOURCE_OFFSET,
            DeadLetterHeaders.REPLAY_COUNT)) {
      int kind = random.nextInt(4);
      if (kind > 0) {
        byte[] value =
            Mutations.of(
                Mutations.utf8("UNKNOWN_TASK", "0", "17", "-1", "\u001b[2J\n", "9".repeat(20)),
                random.nextLong());
        record.headers().add(name, kind == 1 ? null : value);
      }
    }
    DeadLetter letter = new DeadLetter(record);
    assertThat(letter.line(Optional.of("a\u001b[31m\r\nb")))
        .matches(line -> line.codePoints().noneMatch(Character::isISOControl));
    assertThat(letter.toMap()).containsKey("code");
    assertThat(letter.replays()).isNotNegative();
    letter.source().ifPresent(from -> assertThat(from.offset()).isNotNegative());
  }

  @Property(seed = "1")
  @Label("headers that travel on are as many as fit, the trace context first")
  void headers(@ForAll long seed) {
    Random random = new Random(seed);
    var headers = new org.apache.kafka.common.header.internals.RecordHeaders();
    for (int i = random.nextInt(50); i > 0; i--) {
      String name = random.nextInt(5) == 0 ? "traceparent" : "h" + random.nextInt(1000);
      headers.add(name, random.nextBoolean() ? null : new byte[random.nextInt(200)]);
    }
    int size = 0;
    for (Header header : new HeaderPolicy(1000).travelling(headers)) {
      if (!header.key().equals(HeaderPolicy.DROPPED)) {
        size += header.key().length() + (header.value() == null ? 0 : header.value().length);
      }
    }
    assertThat(size).isLessThanOrEqualTo(1000);
  }
}
