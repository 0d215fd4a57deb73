package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@DisplayName("Native code")
class NativeCodeTest {

  @Test
  @EnabledOnOs(OS.LINUX)
  @DisplayName("leaves no file behind, however the process ends: each is deleted once loaded")
  void nothingLeft() throws Exception {
    NativeCode.load();

    try (Stream<String> mapped = Files.lines(Path.of("/proc/self/maps"))) {
      List<String> libraries =
          mapped
              .filter(line -> line.matches(".*/(librocksdbjni|libzstd-jni|snappy-|liblz4-java).*"))
              .toList();
      assertThat(libraries)
          .anyMatch(line -> line.contains("librocksdbjni"))
          .anyMatch(line -> line.contains("liblz4-java"))
          .allMatch(line -> line.endsWith(" (deleted)"));
    }
  }

  @Test
  @DisplayName("that a folder mounted noexec does not let load is said with folder and setting")
  void noexec() {
    String of = "/cache/libx.so: /cache/libx.so: failed to map segment from shared object";

    assertThat(NativeCode.problem(new IllegalStateException(new UnsatisfiedLinkError(of))))
        .hasValueSatisfying(
            said ->
                assertThat(said)
                    .contains("from /cache (failed to map segment", "noexec", "DJL_CACHE_DIR"));
    // The second to ask for the class is told so.
    Throwable again =
        new NoClassDefFoundError("Could not initialize class X")
            .initCause(
                new ExceptionInInitializerError(
                    "Exception java.lang.UnsatisfiedLinkError: " + of + " [in thread \"main\"]"));
    assertThat(NativeCode.problem(again))
        .hasValueSatisfying(said -> assertThat(said).contains("from /cache "));
    assertThat(NativeCode.problem(new IllegalStateException("else"))).isEmpty();
  }

  @Test
  @DisplayName(
      "that DJL cannot unpack, and says something else of, is said with folder and setting")
  void djl() {
    EngineException failure =
        new EngineException(
            "Failed to load Huggingface native library.",
            new EngineException("Unexpected flavor: cpu"));
    assertThat(NativeCode.problem(new IOException("tokenizer.json is not read", failure)))
        .hasValueSatisfying(
            said ->
                assertThat(said)
                    .contains(
                        "cannot be loaded from " + Utils.getEngineCacheDir(), "DJL_CACHE_DIR"));
  }

  @Test
  @DisplayName(
      "that cannot be unpacked, its cache being read-only, is said with folder and setting")
  void readOnly() {
    FileSystemException failure =
        new FileSystemException("/home/x/.djl.ai", null, "Read-only file system");
    assertThat(NativeCode.problem(failure)).isEmpty(); // not of native code
    failure.setStackTrace(
        new StackTraceElement[] {new StackTraceElement("ai.djl.util.Utils", "copy", "", 1)});

    assertThat(NativeCode.problem(new IllegalStateException("Cannot copy jni files", failure)))
        .hasValueSatisfying(
            said ->
                assertThat(said)
                    .contains("from /home/x/.djl.ai (Read-only file system)", "DJL_CACHE_DIR"));
  }
}
