package io.hyperstream.app.inference;

import io.hyperstream.app.streams.NotNowException;
import java.util.concurrent.CompletableFuture;

/** Makes sure that a task the catalog does not have is not merely on its way. */
@FunctionalInterface
interface UnknownTaskCheck {

  /**
   * Waits, without holding a thread, until the catalog has caught up with the definitions topic.
   *
   * @param requestTimestamp the request's time; a definition sent before it must be found
   * @return completes when the catalog is up to date, exceptionally with {@link NotNowException} if
   *     that cannot be told
   */
  CompletableFuture<Void> caughtUp(String taskId, long requestTimestamp);
}
