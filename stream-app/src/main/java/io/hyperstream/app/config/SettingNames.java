package io.hyperstream.app.config;

import io.hyperstream.model.task.NearNames;
import io.micronaut.context.env.Environment;
import io.micronaut.context.env.PropertySource;
import io.micronaut.context.env.SystemPropertiesPropertySource;
import io.micronaut.context.env.yaml.YamlPropertySourceLoader;
import io.micronaut.core.naming.NameUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of all settings, which are those in {@code application.yml}. A misspelt one would
 * otherwise leave the default in place without a word. Stateless.
 */
public final class SettingNames {
  private static final Logger LOG = LoggerFactory.getLogger(SettingNames.class);
  private static final String OURS = "hyperstream.";
  private static final String DEFAULTS = "application.yml";

  /** Below these any name will do: they go to clients as they are. */
  private static final List<String> MAPS =
      List.of(
          OURS + "kafka.properties.",
          OURS + "registry.properties.",
          OURS + "streams.properties.",
          OURS + "tracing.properties.",
          OURS + "cli.",
          OURS + "logging.");

  /** Variables that are read elsewhere: by commands, by logback.xml and by the launcher. */
  private static final Set<String> OTHER_VARIABLES =
      Set.of(
          "HYPERSTREAM_CLASS_DIR",
          "HYPERSTREAM_COMMAND_CONFIG",
          "HYPERSTREAM_DATA_DIR",
          "HYPERSTREAM_HUB_TOKEN",
          "HYPERSTREAM_LOGGING_FORMAT",
          "HYPERSTREAM_LOGGING_LEVEL",
          "HYPERSTREAM_LOGGING_ROOT");

  /** What Kubernetes sets beside a Service of the name hyperstream or hyperstream-something. */
  private static final String SERVICE_LINK = ".*_(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_[0-9]+_.*)";

  private SettingNames() {}

  /**
   * @throws IllegalArgumentException with a sentence if there is no such setting
   */
  public static void require(String name) {
    Set<String> known = known();
    if (!isKnown(name, known)) {
      throw new IllegalArgumentException(unknown(name, known));
    }
  }

  /**
   * Looks through everything that was set.
   *
   * @throws IllegalArgumentException with a sentence for a file that sets what is no setting.
   *     Variables and Java's properties, which others set as well, are warned about
   */
  public static void check(Environment environment) {
    Set<String> known = known();
    for (PropertySource source : environment.getPropertySources()) {
      if (source.getName().equals(SystemPropertiesPropertySource.NAME)) {
        continue; // tests and tools have properties of their own under our name
      }
      for (String name : source) {
        if (name.startsWith(OURS) && !isKnown(name, known)) {
          throw new IllegalArgumentException(
              unknown(name, known) + " (in " + source.getOrigin().location() + ")");
        }
      }
    }
    unknownVariables(System.getenv().keySet(), known)
        .forEach(problem -> LOG.warn("The environment's {}", problem));
  }

  /** A sentence for each variable with our name that nothing reads. */
  static List<String> unknownVariables(Collection<String> variables, Set<String> known) {
    Set<String> names =
        known.stream().map(SettingNames::variable).collect(Collectors.toCollection(TreeSet::new));
    return variables.stream()
        .filter(name -> name.startsWith(variable(OURS)))
        .filter(name -> !names.contains(name) && !OTHER_VARIABLES.contains(name))
        .filter(name -> !names.contains(name.replaceAll("_[0-9]+(_.*)?$", ""))) // of a list
        .filter(name -> MAPS.stream().noneMatch(map -> name.startsWith(variable(map))))
        .filter(name -> !name.matches(SERVICE_LINK))
        .sorted()
        .map(name -> name + " is no setting" + nearest(name, names, ""))
        .toList();
  }

  private static String variable(String name) {
    return name.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
  }

  /** Read once: a command asks for each of its options. */
  private static final class Known {
    static final Set<String> NAMES = read();
  }

  static Set<String> known() {
    return Known.NAMES;
  }

  private static Set<String> read() {
    try (InputStream in = SettingNames.class.getResourceAsStream("/" + DEFAULTS)) {
      Map<String, Object> defaults = new YamlPropertySourceLoader().read(DEFAULTS, in);
      return defaults.keySet().stream()
          .filter(name -> name.startsWith(OURS))
          .map(SettingNames::plain)
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isKnown(String name, Set<String> known) {
    return known.contains(plain(name)) || MAPS.stream().anyMatch(name::startsWith);
  }

  /** A list's elements have its name, and maxPass is max-pass. */
  private static String plain(String name) {
    return NameUtils.hyphenate(name.replaceAll("\\[.*", ""), true);
  }

  private static String unknown(String name, Set<String> known) {
    return name
        + " is no setting"
        + nearest(plain(name), known, "; application.yml explains those there are");
  }

  /** One: names of settings are long, and many are alike. */
  private static String nearest(String name, Set<String> known, String otherwise) {
    return NearNames.hint(NearNames.of(name, known).stream().limit(1).toList(), otherwise);
  }
}
