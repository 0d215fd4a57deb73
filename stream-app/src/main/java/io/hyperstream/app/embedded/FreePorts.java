package io.hyperstream.app.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of this machine that nobody listens on. */
public final class FreePorts {
  /** Below the range from which systems take the near end of outgoing connections. */
  private static final int FIRST = 20_000;

  private static final int END = 32_000;
  private static final int ATTEMPTS = 200;

  private FreePorts() {}

  /** A free port; random, so that several processes choosing at once seldom meet. */
  public static int next() {
    for (int i = 0; i < ATTEMPTS; i++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, END);
      if (isFree(port)) {
        return port;
      }
    }
    throw new EmbeddedClusterException(
        "found no free port between " + FIRST + " and " + END + " in " + ATTEMPTS + " attempts");
  }

  static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      // As the servers do: a port whose old connections are still fading away is free.
      socket.setReuseAddress(true);
      socket.bind(
          new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), 1);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
