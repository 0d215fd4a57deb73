package io.hyperstream.app.http.topics;

import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.schemas.AdaptationReport;
import java.util.Optional;

/** Hears what is new, on the view's thread: to be quick. What was there at the start is not new. */
public interface ViewListener {

  void reported(AdaptationReport report);

  /**
   * @param version empty: the initial adapter serves again
   */
  void served(String modelId, String taskId, Optional<Published> version);
}
