package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.store.StoreFiles;
import io.hyperstream.testing.Allocation;
import io.hyperstream.testing.Mutations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

@Label("Task folders from anyone")
class TaskFolderFuzzTest {
  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("fuzz-");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    StoreFiles.deleteTree(folder);
  }

  @Property(seed = "1")
  @Label("are read or refused, naming the file")
  void damaged(@ForAll long seed) throws Exception {
    Files.write(
        folder.resolve("task.json"),
        Mutations.of(
            Mutations.utf8(
                "{\"name\": \"x\", \"kind\": \"classification\", \"labels\": [\"a\", \"b\"]}",
                "{\"kind\": \"regression\", \"metric\": [\"pearson\"], \"step\": 0.2}",
                "{}"),
            seed));
    byte[] rows =
        Mutations.of(
            Mutations.utf8(
                "first\ta\nsecond\tb\r\n\nthird \u00e4\ta\n",
                "first\tpair\ta\nsecond\tpair\tb\n",
                "first\t1.5\nsecond\t2\n"),
            seed);
    byte[] lines =
        Mutations.of(
            Mutations.utf8("{\"text\": \"x\", \"label\": \"a\"}\n{\"text\": \"y\"}\n"), seed);
    Files.write(folder.resolve("train.tsv"), rows);
    Files.write(folder.resolve("test.jsonl"), lines);
    try {
      TaskFolder task = TaskFolder.open(folder);
      assertThat(task.read("train")).isNotNull();
      assertThat(task.read("test")).isNotNull();
    } catch (IOException e) {
      assertThat(e.getMessage()).contains(folder.toString());
    }
  }

  @Example
  @Label("a line without an end is refused, not kept")
  void endless() throws Exception {
    Path other = Files.createDirectory(folder.resolve("endless"));
    Files.writeString(other.resolve("train.tsv"), "x".repeat(40 << 20));
    long allocated =
        Allocation.of(
            () ->
                assertThatThrownBy(() -> TaskFolder.open(other))
                    .hasMessageContaining("train.tsv, line 1")
                    .hasMessageContaining("longer than"));
    assertThat(allocated).isLessThan(20 << 20);
  }
}
