package io.hyperstream.model.bench;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;

/** On what a measurement was made. */
public final class Machine {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  private Machine() {}

  /** Processor, threads and versions, for people and for JSON. */
  public static Map<String, Object> describe() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("processor", processor());
    map.put("processors", Runtime.getRuntime().availableProcessors());
    map.put("threads", Ops.threads());
    map.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    map.put(
        "jdk", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    map.put("djl", Engine.getDjlVersion());
    map.put("pytorch", Engine.getEngine("PyTorch").getVersion());
    map.put("device", Engine.getEngine("PyTorch").defaultDevice().toString());
    map.put("pytorchFeatures", String.join(" ", new TreeSet<>(JniUtils.getFeatures())));
    return map;
  }

  private static String processor() {
    try (Stream<String> lines = Files.lines(PROCESSORS)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException e) {
      return System.getProperty("os.arch");
    }
  }
}
