package io.hyperstream.app.dashboard;

import io.hyperstream.app.embedded.FreePorts;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.model.store.ShippedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** A browser, and an application on the shared cluster that has the demo's data. */
record Site(Browser browser, AppFixture app, DemoTasks demo, String url) implements AutoCloseable {

  /**
   * Skips the tests, saying why, unless a browser is installed.
   *
   * @param busy whether other tasks have learnt something too, as pictures want it
   */
  static Site start(Path folder, boolean busy) throws Exception {
    Optional<Browser> installed = Browser.start();
    if (installed.isEmpty()) {
      String reason =
          "the dashboard is not tested: it needs chromium and chromedriver"
              + " (Debian: apt-get install chromium chromium-driver)";
      System.out.println(reason);
      Assumptions.abort(reason);
    }
    int port = FreePorts.next(); // that the application can have again after it was stopped
    AppFixture app = new AppFixture("dashboard", folder);
    app.set("model.name", ShippedModel.DEFAULT);
    app.set("roles", "inference,adaptation").set("http.port", port);
    DemoTasks demo = new DemoTasks(app);
    Site site = new Site(installed.get(), app, demo, "http://127.0.0.1:" + port + "/");
    try {
      demo.define();
      app.start(Optional.empty());
      demo.ask(40);
      demo.misuse();
      if (busy) {
        demo.teachMore(List.of("product-review", "bank-intent", "moderation", "emotion"), 3);
      }
      demo.teach(); // last, since the overview shows the last attempts only
      return site;
    } catch (Exception | AssertionError e) {
      site.close();
      throw e;
    }
  }

  /** The overview of somebody who was never here. */
  void open() {
    browser.size(1440, 900, false);
    browser.prefer("light");
    browser.open(url);
    browser.js("localStorage.clear(); sessionStorage.clear()");
    browser.open(url);
    browser.awaitText("#pulse-text", "Ready");
  }

  @Override
  public void close() throws IOException {
    browser.close();
    app.close();
  }
}
