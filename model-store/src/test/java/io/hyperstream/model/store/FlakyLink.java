package io.hyperstream.model.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** A connection to a server that breaks in the ways it was told to, one per new connection. */
final class FlakyLink implements AutoCloseable {
  /** What happens to a connection. */
  private record Fault(String answer, long cutAfter) {}

  private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final InetSocketAddress server;
  private final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong received = new AtomicLong();
  private final AtomicReference<LostAnswer> losing = new AtomicReference<>();

  /** The answer to the first PUT of a path with this in it is lost, after {@code meanwhile}. */
  private record LostAnswer(String path, Runnable meanwhile) {
    boolean isFor(byte[] buffer, int length) {
      String line =
          new String(buffer, 0, length, StandardCharsets.ISO_8859_1).lines().findFirst().orElse("");
      return line.startsWith("PUT ") && line.contains(path);
    }
  }

  FlakyLink(InetSocketAddress server) throws IOException {
    this.server = server;
    daemon(this::accept);
  }

  URI endpoint() {
    return URI.create("http://127.0.0.1:" + listening.getLocalPort());
  }

  /** The next connection is closed without an answer. */
  FlakyLink dropNext() {
    faults.add(new Fault("", 0));
    return this;
  }

  /** The next connection ends after so many bytes of the server's. */
  FlakyLink cutNextAfter(long bytes) {
    faults.add(new Fault("", bytes));
    return this;
  }

  /** The next connection gets this error instead of the server's answer. */
  FlakyLink answerNext(int status, String code) {
    String body = "<Error><Code>" + code + "</Code><Message>injected</Message></Error>";
    faults.add(
        new Fault(
            "HTTP/1.1 %d Injected\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(status, body.length(), body),
            0));
    return this;
  }

  /**
   * The server does the next PUT of a path with this in it, then {@code meanwhile} runs, then the
   * connection ends without the server's answer.
   */
  FlakyLink loseAnswer(String path, Runnable meanwhile) {
    losing.set(new LostAnswer(path, meanwhile));
    return this;
  }

  /** Whether all faults have happened. */
  boolean isSpent() {
    return faults.isEmpty() && losing.get() == null;
  }

  /** Ends what is connected, so that the next request opens a connection. */
  void hangUp() throws IOException {
    for (Socket socket : open) {
      socket.close();
    }
  }

  /** Of the server's, so far. */
  long bytesReceived() {
    return received.get();
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        daemon(() -> serve(client, faults.poll()));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket client, Fault fault) {
    try (client) {
      open.add(client);
      if (fault != null && fault.cutAfter() == 0) {
        if (!fault.answer().isEmpty()) {
          readRequest(client.getInputStream());
          client.getOutputStream().write(fault.answer().getBytes(StandardCharsets.UTF_8));
        }
        return;
      }
      try (Socket to = new Socket(server.getAddress(), server.getPort())) {
        AtomicReference<LostAnswer> lost = new AtomicReference<>();
        daemon(() -> pump(client, to, Long.MAX_VALUE, lost, false));
        pump(to, client, fault == null ? Long.MAX_VALUE : fault.cutAfter(), lost, true);
      }
    } catch (IOException e) {
      // Broken, as it may be.
    } finally {
      open.remove(client);
    }
  }

  /** Up to the end of its head; small bodies come along. */
  private static void readRequest(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    byte[] buffer = new byte[8192];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      head.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
      if (head.indexOf("\r\n\r\n") >= 0) {
        return;
      }
    }
  }

  private void pump(
      Socket from, Socket to, long atMost, AtomicReference<LostAnswer> lost, boolean answers) {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[1 << 14];
      long left = atMost;
      while (left > 0) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          to.shutdownOutput();
          return;
        }
        LostAnswer next = losing.get();
        if (!answers && next != null && next.isFor(buffer, n)) {
          lost.set(next);
        }
        if (answers && lost.get() != null) {
          losing.set(null);
          lost.get().meanwhile().run();
          break;
        }
        out.write(buffer, 0, n);
        out.flush();
        left -= n;
        if (answers) {
          received.addAndGet(n);
        }
      }
      to.close();
      from.close();
    } catch (IOException e) {
      // The other side ended it.
    }
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "flaky-link");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    listening.close();
    hangUp();
  }
}
