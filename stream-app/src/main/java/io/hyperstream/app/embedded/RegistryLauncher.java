package io.hyperstream.app.embedded;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Locale;

/**
 * The registry's process starts here: it runs the registry's own main class and ends when its
 * standard input does. The parent holds the other end of that pipe, so the system closes it
 * whenever the parent dies, even by kill -9. Runs on the registry's class path, so it uses nothing
 * but the JDK and must stay a single class file.
 */
final class RegistryLauncher {
  private static final long GRACE_MILLIS = 5_000;

  private RegistryLauncher() {}

  /**
   * @param args the main class to run, then its arguments
   */
  public static void main(String[] args) throws Exception {
    Locale.setDefault(Locale.ROOT); // as in the parent: what it writes is read anywhere
    ignore("INT");
    ignore("HUP");
    Thread watch = new Thread(RegistryLauncher::exitWithParent, "parent-watch");
    watch.setDaemon(true);
    watch.start();
    String[] rest = new String[args.length - 1];
    System.arraycopy(args, 1, rest, 0, rest.length);
    Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
  }

  private static void exitWithParent() {
    try {
      while (System.in.read() >= 0) {
        // The parent writes nothing; whatever comes is not for us.
      }
    } catch (IOException e) {
      // As good as the end.
    }
    Thread halt = new Thread(RegistryLauncher::haltAfterGrace, "halt");
    halt.setDaemon(true);
    halt.start();
    System.exit(0);
  }

  private static void haltAfterGrace() {
    try {
      Thread.sleep(GRACE_MILLIS);
    } catch (InterruptedException e) {
      // Halt at once, then.
    }
    Runtime.getRuntime().halt(1);
  }

  /**
   * Ctrl-C and a closed terminal reach the whole process group; the registry has to outlive the
   * application's orderly end, and stops with it. By reflection, since the class is not part of the
   * Java platform's API; without it Ctrl-C only ends the registry early.
   */
  private static void ignore(String signal) {
    try {
      Class<?> signalType = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Method handle = signalType.getMethod("handle", signalType, handlerType);
      handle.invoke(
          null,
          signalType.getConstructor(String.class).newInstance(signal),
          handlerType.getField("SIG_IGN").get(null));
    } catch (ReflectiveOperationException e) {
      System.err.println("Cannot ignore SIG" + signal + ": " + e);
    }
  }
}
