package io.hyperstream.app.embedded;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import java.util.stream.Stream;

/** Where the build unpacked the registry: beside the application. */
final class RegistryHome {
  static final String PROPERTY = "hyperstream.registry.home";
  private static final String RUNNER = "apicurio-registry-app-*-runner.jar";

  private RegistryHome() {}

  /**
   * The registry's jar, its libraries beside it.
   *
   * @throws EmbeddedClusterException if it is not where it should be
   */
  static Path runner() {
    String chosen = System.getProperty(PROPERTY, "");
    Path home = chosen.isBlank() ? besideTheApplication() : Path.of(chosen);
    return runnerIn(home);
  }

  static Path runnerIn(Path home) {
    if (Files.isDirectory(home)) {
      List<Path> runners;
      try (Stream<Path> files = Files.list(home)) {
        runners =
            files
                .filter(
                    file ->
                        home.getFileSystem()
                            .getPathMatcher("glob:" + RUNNER)
                            .matches(file.getFileName()))
                .toList();
      } catch (IOException e) {
        throw new EmbeddedClusterException("cannot read " + home + ": " + e.getMessage(), e);
      }
      if (runners.size() == 1) {
        return runners.get(0).toAbsolutePath();
      }
    }
    throw new EmbeddedClusterException(
        "the embedded registry is missing: expected one "
            + RUNNER
            + " in "
            + home.toAbsolutePath()
            + ". Run bin/fetch-registry of a release, build the project (mvn package puts it beside"
            + " hyperstream.jar), point -D"
            + PROPERTY
            + " to its directory, or use a registry of your own");
  }

  /** {@code target/hyperstream.jar} and {@code target/classes} both have it in target. */
  private static Path besideTheApplication() {
    CodeSource source = RegistryHome.class.getProtectionDomain().getCodeSource();
    try {
      return Path.of(source.getLocation().toURI()).toAbsolutePath().resolveSibling("registry");
    } catch (URISyntaxException e) {
      throw new EmbeddedClusterException(
          "cannot tell where this application is installed; set -D" + PROPERTY, e);
    }
  }
}
