package io.hyperstream.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.checkpoint.Checksums;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.w3c.dom.NodeList;

@DisplayName("What is shipped")
class SupplyChainIT {
  private static JsonNode bom;

  @BeforeAll
  static void read() throws IOException {
    bom = new ObjectMapper().readTree(Path.of("target", "hyperstream.cdx.json").toFile());
  }

  private static Set<String> lines(String resource) throws IOException {
    try (InputStream in = SupplyChainIT.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(line -> line.replaceAll("#.*", "").strip())
          .filter(line -> !line.isEmpty())
          .collect(Collectors.toSet());
    }
  }

  private static String name(JsonNode component) {
    return component.path("group").asText() + ":" + component.path("name").asText();
  }

  private static List<String> licences(JsonNode component) {
    List<String> licences = new ArrayList<>();
    for (JsonNode entry : component.path("licenses")) {
      JsonNode licence = entry.path("license");
      licences.add(
          entry.has("expression")
              ? entry.path("expression").asText()
              : licence.path("id").asText(licence.path("name").asText()));
    }
    return licences;
  }

  @Test
  @DisplayName("is under licences that are allowed, one of them at least for each part")
  void licences() throws IOException {
    Set<String> allowed = lines("licences-allowed.txt");
    Set<String> lookedUp = lines("licences-looked-up.txt");
    Set<String> refused = new TreeSet<>();
    for (JsonNode component : bom.path("components")) {
      List<String> licences = licences(component);
      if (licences.stream().noneMatch(allowed::contains) && !lookedUp.contains(name(component))) {
        refused.add(name(component) + " " + licences);
      }
    }
    assertThat(bom.path("components")).hasSizeGreaterThan(50);
    assertThat(refused).isEmpty();
  }

  @Test
  @DisplayName("is all in the list of what it consists of, with its hash")
  void complete() throws IOException {
    Set<String> hashes = new HashSet<>();
    for (JsonNode component : bom.path("components")) {
      for (JsonNode hash : component.path("hashes")) {
        hashes.add(hash.path("content").asText());
      }
    }
    try (Stream<Path> jars = Files.list(Path.of("target", "lib"))) {
      for (Path jar : jars.toList()) {
        if (!isOurs(jar)) { // they are in the list as they are in the repository
          assertThat(hashes).as(jar.toString()).contains(Checksums.sha256(jar));
        }
      }
    }
    assertThat(bom.path("components").findValuesAsText("name"))
        .contains("schemas", "model-store", "confluent-client", "bge-small-en-v1.5");
  }

  private static boolean isOurs(Path jar) {
    return jar.getFileName()
        .toString()
        .matches(
            "(schemas|model-store|confluent-client|bge-small-en-v1\\.5|all-minilm-l6-v2)-\\d.*");
  }

  @Test
  @DisplayName("has nothing in it of what it is measured against")
  void noOpponent() throws IOException {
    assertThat(bom.path("components").findValuesAsText("name"))
        .doesNotContain("onnxruntime", "onnx-bench");
    try (Stream<Path> jars = Files.list(Path.of("target", "lib"))) {
      assertThat(jars.map(jar -> jar.getFileName().toString()))
          .noneMatch(name -> name.startsWith("onnx"));
    }
  }

  @Test
  @DisplayName("has a reason: each direct dependency of a pom is in docs/dependencies.md")
  void reasons() throws Exception {
    Path root = Path.of("..");
    String reasons = Files.readString(root.resolve("docs/dependencies.md"));
    Set<String> missing = new TreeSet<>();
    int found = 0;
    for (String module :
        List.of(
            "infra/test-support",
            "schemas",
            "schemas/confluent-client",
            "model-store",
            "model-store/onnx-converter",
            "model-store/bge-small",
            "model-store/minilm",
            "model-store/onnx-bench",
            "stream-app")) {
      Path pom = root.resolve(module).resolve("pom.xml");
      NodeList names =
          (NodeList)
              XPathFactory.newInstance()
                  .newXPath()
                  .evaluate(
                      "/*/*[local-name()='dependencies']/*[*[local-name()='groupId']"
                          + " != 'io.hyperstream']/*[local-name()='artifactId']/text()"
                          + " | //*[local-name()='artifactItem']/*[local-name()='artifactId']/text()",
                      DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(pom.toFile()),
                      XPathConstants.NODESET);
      for (int i = 0; i < names.getLength(); i++) {
        found++;
        if (!reasons.contains("`" + names.item(i).getNodeValue() + "`")) {
          missing.add(pom + ": " + names.item(i).getNodeValue());
        }
      }
    }
    assertThat(found).isGreaterThan(40);
    assertThat(missing).isEmpty();
  }

  @Test
  @DisplayName(
      "has nothing of the tests in it, and no time or number that differs from build to build")
  void reproducible() {
    assertThat(bom.path("components").findValuesAsText("group"))
        .doesNotContain("org.gaul", "net.jqwik", "org.junit.jupiter", "org.assertj");
    assertThat(bom.has("serialNumber")).isFalse();
    assertThat(bom.path("metadata").path("timestamp").asText("2026-01-01T00:00:00Z"))
        .isEqualTo("2026-01-01T00:00:00Z");
  }
}
