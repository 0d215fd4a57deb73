package io.hyperstream.app.cli;

import io.hyperstream.model.bench.OpponentFactory;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** Programs that benchmarks measure against. They lie in {@code bench/} beside the application. */
final class Opponents {
  /** What puts it there. */
  static final String BUILD = OpponentFactory.BUILD;

  private static final String ONNX_RUNTIME = "onnxruntime";

  private Opponents() {}

  /**
   * The one of a name.
   *
   * @throws CommandFailure if there is no such program, or it is not there; says how to build it
   */
  static OpponentFactory find(String name) {
    if (!name.equals(ONNX_RUNTIME)) {
      throw CommandFailure.usage(
          "--against names no program it knows: expected " + ONNX_RUNTIME + ", got " + name);
    }
    return OpponentFactory.find(name)
        .orElseThrow(
            () ->
                CommandFailure.failed(
                    "ONNX Runtime is no part of the application: expected onnx-bench-*.jar in "
                        + besideTheApplication()
                        + ". Build it there with `"
                        + BUILD
                        + "`"));
  }

  /** ONNX Runtime. */
  static OpponentFactory onnxRuntime() {
    return find(ONNX_RUNTIME);
  }

  /** {@code hyperstream.jar} names {@code bench/} in its class path. */
  private static Path besideTheApplication() {
    try {
      return Path.of(Opponents.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          .resolveSibling("bench");
    } catch (URISyntaxException e) {
      throw new IllegalStateException("cannot tell where this application is installed", e);
    }
  }
}
