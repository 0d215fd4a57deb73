package io.hyperstream.app.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The fenced blocks of README.md.
 *
 * @param blocks in their order
 */
record Readme(List<Block> blocks) {
  private static final Pattern FENCE = Pattern.compile("(?ms)^```(\\S*)\\n(.*?)^```$");
  private static final Pattern FILE = Pattern.compile("`([\\w.-]+)`:\\s*$");

  /**
   * @param file the name that the sentence before it gives it, as in "here `tasks.yaml`:"; empty
   *     for none
   */
  record Block(String language, String text, String file) {

    /** The commands of a shell block, each on one line and without its comment. */
    List<String> commands() {
      return text.replaceAll("\\\\\\n\\s*", "")
          .lines()
          .map(line -> line.replaceFirst("(^|\\s+)#.*$", "").strip())
          .filter(line -> !line.isEmpty())
          .toList();
    }
  }

  static Readme read() throws IOException {
    String text = Files.readString(Path.of("..", "README.md"));
    List<Block> blocks = new ArrayList<>();
    Matcher matcher = FENCE.matcher(text);
    while (matcher.find()) {
      Matcher file = FILE.matcher(text.substring(0, matcher.start()));
      blocks.add(new Block(matcher.group(1), matcher.group(2), file.find() ? file.group(1) : ""));
    }
    return new Readme(List.copyOf(blocks));
  }

  /** The blocks of one language. */
  List<Block> of(String language) {
    return blocks.stream().filter(block -> block.language().equals(language)).toList();
  }
}
