package io.hyperstream.app.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * The kafka-acls commands of the operations guide, read as that tool reads them. A line that is not
 * understood fails, so that the guide says nothing that is not tried.
 *
 * @param lines each an {@code acl} command, without its line breaks
 */
record DocumentedRights(List<String> lines) {
  private static final Path GUIDE = Path.of("..", "docs", "operations.md");

  static DocumentedRights read() throws IOException {
    List<String> lines =
        Files.readString(GUIDE)
            .replace("\\\n", " ")
            .lines()
            .filter(line -> line.startsWith("acl --"))
            .toList();
    if (lines.isEmpty()) {
      throw new IllegalStateException("no acl commands in " + GUIDE.toAbsolutePath());
    }
    return new DocumentedRights(lines);
  }

  DocumentedRights forTenant(String from, String to) {
    return new DocumentedRights(lines.stream().map(line -> line.replace(from, to)).toList());
  }

  /** What a user of the guide has, for a user of the cluster. */
  List<AclBinding> of(String documented, String user) {
    List<AclBinding> bindings = new ArrayList<>();
    for (String line : lines) {
      bindings.addAll(bindings(line, "User:" + documented, "User:" + user));
    }
    if (bindings.isEmpty()) {
      throw new IllegalArgumentException("the guide gives " + documented + " nothing");
    }
    return bindings;
  }

  private static List<AclBinding> bindings(String line, String documented, String user) {
    String principal = "";
    PatternType pattern = PatternType.LITERAL;
    List<AclOperation> operations = new ArrayList<>();
    record Resource(ResourceType type, String name) {}
    List<Resource> resources = new ArrayList<>();
    String[] words = line.strip().split("\\s+", -1);
    for (int i = 1; i < words.length; i += 2) {
      String value = words[i + 1];
      switch (words[i]) {
        case "--allow-principal" -> principal = value;
        case "--resource-pattern-type" ->
            pattern = PatternType.fromString(value.toUpperCase(Locale.ROOT));
        case "--topic" -> resources.add(new Resource(ResourceType.TOPIC, value));
        case "--group" -> resources.add(new Resource(ResourceType.GROUP, value));
        case "--transactional-id" ->
            resources.add(new Resource(ResourceType.TRANSACTIONAL_ID, value));
        case "--operation" -> operations.add(operation(value));
        default -> throw new IllegalArgumentException(words[i] + " in: " + line);
      }
    }
    List<AclBinding> bindings = new ArrayList<>();
    if (principal.equals(documented)) {
      for (Resource resource : resources) {
        for (AclOperation operation : operations) {
          bindings.add(
              new AclBinding(
                  new ResourcePattern(resource.type(), resource.name(), pattern),
                  new AccessControlEntry(user, "*", operation, AclPermissionType.ALLOW)));
        }
      }
    }
    return bindings;
  }

  /** The tool's names have capitals where the enum has underscores. */
  private static AclOperation operation(String name) {
    return AclOperation.valueOf(
        name.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT));
  }
}
