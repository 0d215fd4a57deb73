package io.hyperstream.app.streams;

import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;

/** One run of a role, wired. Made and started by one thread, closed by any. */
public interface RoleService extends AutoCloseable {

  /** Before {@link #start}: ends what a crashed predecessor left unfinished. */
  void takeOver(Admin admin) throws InterruptedException;

  /**
   * Starts its threads.
   *
   * @param onRunning called when it does its work, perhaps several times
   * @param onFailure called when it ended by itself
   */
  void start(Runnable onRunning, Consumer<Throwable> onFailure);

  /** What keeps it from its work now, by part; empty when all is well. */
  Map<String, String> problems();

  /**
   * What readiness shows although the role does its work, by part: records that were lost, versions
   * that are not served yet; empty when there is nothing.
   */
  Map<String, Object> notices();

  /** What only a new start of the process can fix; empty when there is no such thing. */
  Optional<String> fatal();

  @Override
  void close();
}
