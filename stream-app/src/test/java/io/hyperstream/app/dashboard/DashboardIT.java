package io.hyperstream.app.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StarterModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/**
 * The dashboard as a person meets it: a real browser, the real application with the default model,
 * a real broker. With {@code -Dhyperstream.screenshots=DIR} it leaves pictures there.
 */
@DisplayName("The dashboard")
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DashboardIT {
  private static final String SCREENSHOTS = System.getProperty("hyperstream.screenshots");
  private static final int PHONE = 360;

  @TempDir static Path folder;

  private Site site;
  private Browser browser;
  private DemoTasks demo;

  @BeforeAll
  void start() throws Exception {
    site = Site.start(folder, SCREENSHOTS != null);
    browser = site.browser();
    demo = site.demo();
  }

  @AfterAll
  void stop() throws Exception {
    if (site != null) {
      site.close();
    }
  }

  @BeforeEach
  void open() {
    site.open();
    assertThat(browser.log()).isEmpty();
  }

  /** No script failed, nothing was refused by the content security policy, nothing was missing. */
  @AfterEach
  void console() {
    assertThat(browser.log()).isEmpty();
  }

  @Test
  @DisplayName("shows data in every view, readable in light and dark, without a console message")
  void views() {
    show(View.all());
  }

  /** In light, in dark and on a phone. */
  private void show(List<View> views) {
    for (String scheme : List.of("light", "dark")) {
      browser.prefer(scheme);
      views.forEach(view -> show(view, scheme));
    }
    browser.size(390, 844, true);
    browser.prefer("light");
    views.forEach(view -> show(view, "phone"));
  }

  private void show(View view, String variant) {
    browser.go(view.hash());
    switch (view.name()) {
      case "overview" -> chartsMove(variant);
      case "live" -> watch(SCREENSHOTS == null ? 3 : 24);
      case "map" -> {
        browser.awaitCount("[data-node='city-reports']", 1);
        browser.js("document.querySelector(\"[data-node='city-reports']\").focus()");
        browser.awaitCount("ol.near li", 3);
      }
      default -> {}
    }
    view.texts().forEach(browser::awaitText);
    if (SCREENSHOTS != null) {
      browser.screenshot(Path.of(SCREENSHOTS, view.name() + "-" + variant + ".png"));
    }
    assertThat(browser.js(CONTRAST))
        .as("contrast of %s, %s", view.name(), variant)
        .isEqualTo(List.of());
    assertThat(browser.count("main h1")).isEqualTo(1);
  }

  /** Asks until so many rows are there; only requests made since then show their text. */
  private void watch(int rows) {
    browser.await(
        rows + " rows",
        () -> {
          demo.ask(5);
          return browser.count("table.live tbody tr") >= rows;
        });
  }

  private void chartsMove(String variant) {
    boolean picture = SCREENSHOTS != null && !variant.equals("phone");
    long points = (Long) browser.js("return performance.now() | 0") + (picture ? 30_000 : 0);
    browser.await(
        "a line in every chart",
        () -> {
          demo.ask(2);
          return browser.count(".metric path.line") >= 6
              && (Long) browser.js("return performance.now() | 0") >= points;
        });
  }

  @Test
  @DisplayName("defines a task, learns from clicks and pasted lines, and the answer changes")
  void taughtByHand() {
    TeachingFlow task = new TeachingFlow(browser);
    task.define();
    task.teach();
    if (SCREENSHOTS != null) {
      browser.awaitNone("#toasts .toast");
      browser.js("document.querySelector('.pick-list').scrollTop = 0");
      browser.screenshot(Path.of(SCREENSHOTS, "taught-light.png"));
    }
    task.backAndForth();
  }

  @Test
  @DisplayName("shows mistakes in a definition at their fields, its own and the application's")
  void mistakes() {
    browser.go("#/define");
    browser.type("input[name=template]", "without a place for the text");
    browser.click("#submit-task");
    browser.awaitText("[data-field=taskId] .field-error", "Give the task a name");
    browser.awaitText("[data-field=labels] .field-error", "At least two labels");
    browser.awaitText("[data-field=template] .field-error", "{text}");
    assertThat(browser.focused("e.name")).isEqualTo("taskId");
    assertThat(browser.focused("e.getAttribute('aria-invalid')")).isEqualTo("true");

    browser.type("input[name=template]", "{text}");
    browser.type("input[name=taskId]", DemoTasks.TAUGHT);
    browser.paste("textarea[name=labels]", "yes\nno");
    browser.click("#submit-task");
    browser.awaitText("[data-field=taskId] .field-error", "There is a task city-reports already");

    browser.type("input[name=taskId]", "long-label");
    browser.paste("textarea[name=labels]", "yes\n" + "n".repeat(300));
    browser.click("#submit-task");
    browser.awaitText("[data-field=labels] .field-error", "256");
    assertThat(browser.focused("e.name")).isEqualTo("labels");

    browser.paste("textarea[name=labels]", "yes\nno");
    browser.click("details.meanings summary");
    browser.awaitCount(".meaning-rows input", 2);
    browser.paste(".meaning-rows label:last-child input", "n".repeat(600));
    browser.click("#submit-task");
    browser.awaitText("[data-field=meanings] .field-error", "512");
    assertThat(browser.focused("e.closest('fieldset')?.dataset.field")).isEqualTo("meanings");
    assertRefusals(browser.log(), 3);
  }

  /** A browser notes every answer of 400 and more on its console; nothing else may be there. */
  private static void assertRefusals(List<String> log, int count) {
    assertThat(log).hasSize(count).allMatch(line -> line.contains("Failed to load resource"));
  }

  @Test
  @DisplayName("asks before a change takes something away, and shows what is set aside")
  void losses() {
    site.app()
        .define(AppFixture.task("shrinking", "one", "two", "three").setDescription("Counted."));
    browser.go("#/tasks/shrinking");
    browser.awaitText("main h1", "shrinking");
    browser.paste("#teach textarea", "first text\tone\nsecond text\tthree");
    browser.click("#send-examples");
    browser.awaitText("#teach .teach-result", "Each is predicted first");
    browser.click("[data-order=EVALUATE]"); // ends when the examples are in
    browser.awaitText("#attempts", "evaluated");
    browser.go("#/tasks/shrinking/edit");
    browser.awaitText("main h1", "Change shrinking");
    browser.type("textarea[name=labels]", "one\ntwo");
    browser.type("input[name=description]", "");
    browser.click("#submit-task");
    browser.awaitText("dialog", "not have the label three any more");
    browser.awaitText("dialog", "Its description is dropped");
    browser.press(Keys.ESCAPE);
    browser.awaitNone("dialog");
    browser.awaitText("main h1", "Change shrinking");
    browser.click("#submit-task");
    browser.click("dialog [data-confirm]");
    browser.awaitText("main h1", "shrinking");
    browser.awaitText("#attempts", "1 example of 1 label is set aside");
    browser.go("#/tasks");
    browser.go("#/tasks/shrinking");
    browser.awaitText("#balance [data-aside]", "1 example of 1 label is set aside");
  }

  @Test
  @DisplayName("shows what people wrote as text, never as markup, and retires a task when asked to")
  void markup() {
    String markup = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>";
    site.app().define(AppFixture.task("markup", "<i>yes</i>", "no & never").setDescription(markup));
    browser.go("#/tasks");
    browser.awaitText("tr[data-task=markup] .about", markup);
    browser.awaitText("tr[data-task=markup] .labels", "<i>yes</i>");
    browser.go("#/playground?tasks=markup&text=%3Cb%3Ehello%3C/b%3E");
    browser.awaitText("[data-answer=markup]", "<i>yes</i>");
    assertThat(browser.count("main img, main .pick b b, main i i")).isZero();

    browser.go("#/tasks/markup");
    browser.click("#retire");
    browser.awaitText("dialog", "Retire markup?");
    browser.press(Keys.ESCAPE);
    browser.awaitNone("dialog");
    browser.awaitText("main h1", "markup");
    browser.click("#retire");
    browser.click("dialog [data-confirm]");
    browser.awaitText("main h1", "Tasks");
    browser.awaitNone("tr[data-task=markup]");
  }

  @Test
  @DisplayName("says so when the application is gone, and is back without a reload when it is back")
  void outage() throws Exception {
    browser.go("#/playground?tasks=city-reports&text=hello");
    browser.awaitText("[data-answer='city-reports'] .top-label", "%");
    site.app().stop();
    browser.awaitText("#banner", "No connection to the application");
    browser.awaitText("#pulse-text", "Not connected");
    browser.type("textarea", "Who empties the bins in the park?");
    browser.awaitText("main .problem", "The application does not answer");
    browser.go("#/letters");
    browser.awaitText("main .problem", "The application does not answer");

    site.app().start(Optional.empty());
    browser.await("the end of the banner", () -> browser.text("#banner").isEmpty());
    browser.awaitText("#pulse-text", "Ready");
    browser.awaitText("table.letters", "support-rooting"); // nobody pressed anything
    browser.js("history.back()");
    browser.awaitText("[data-answer='city-reports'] .top-label", "%");
    assertThat(browser.log())
        .isNotEmpty()
        .allMatch(line -> line.contains("net::ERR_") || line.contains("Failed to load resource"));
  }

  @Test
  @DisplayName("says that what it shows may be old, for as long as the application says so")
  void ages() {
    browser.go("#/tasks");
    browser.awaitCount("tr[data-task]", 11);
    browser.js(
        """
        const real = window.fetch;
        window.fetch = async (...args) => {
          const answer = await real(...args);
          const headers = new Headers(answer.headers);
          if (!window.fresh) headers.set('Hyperstream-Stale', 'the registry is down (since noon)');
          return new Response(answer.body, {status: answer.status, headers});
        };
        """);
    browser.js("location.hash = '#/letters'");
    browser.awaitText("#banner", "What is shown may be old: the registry is down (since noon)");
    browser.js("window.fresh = true; location.hash = '#/tasks'");
    browser.await("the end of the banner", () -> browser.text("#banner").isEmpty());
  }

  @Test
  @DisplayName("can be used with the keyboard alone")
  void keyboard() {
    browser.tab();
    assertThat(browser.focused("e.textContent")).isEqualTo("Skip to content");
    browser.press(Keys.ENTER);
    assertThat(browser.focused("e.id")).isEqualTo("main");

    browser.press("g", "t");
    browser.awaitText("main h1", "Tasks");
    browser.awaitCount("tr[data-task]", 11);
    browser.press("/");
    assertThat(browser.focused("e.type")).isEqualTo("search");
    browser.press("whether");
    browser.await("the filtered list", () -> browser.count("tr[data-task]") == 4);
    tabTo("e.closest('tr') !== null");
    String first = (String) browser.focused("e.textContent");
    browser.press(Keys.ARROW_DOWN);
    String second = (String) browser.focused("e.textContent");
    assertThat(second).isNotEqualTo(first);
    assertThat(browser.focused("getComputedStyle(e).outlineStyle")).isEqualTo("solid");
    browser.press(Keys.ENTER);
    browser.awaitText("main h1", second);

    browser.press("?");
    browser.awaitText("dialog", "Keyboard");
    browser.press(Keys.ESCAPE);
    browser.awaitNone("dialog");
  }

  @Test
  @DisplayName("offers what a model has: known tasks, forms of version, kinds of task, a map")
  void hypernetwork() throws Exception {
    browser.go("#/define");
    browser.awaitCount("select[name=kind] option", 1);
    browser.awaitNone("option[value=GENERATION]");
    browser.awaitText("form .starts", "clinc_banking");
    browser.awaitCount("nav a[data-view=map]:not([hidden])", 1);

    Path state = folder.resolve("hypernetwork");
    Map<String, Object> starter =
        Map.of(
            "http.port",
            -1,
            "model.name",
            StarterModel.NAME,
            "roles",
            "inference",
            "streams.state-dir",
            state.toString());
    try (HyperstreamApplication other = site.app().startAnother(starter)) {
      browser.open("http://127.0.0.1:" + other.port() + "/");
      browser.awaitText("#model", StarterModel.NAME);
      browser.awaitText("#metric-memory", "adapters");
      browser.go("#/define");
      browser.awaitText("form .starts", "clinc_banking");
      browser.awaitCount("option[value=GENERATION]", 1);
      browser.awaitCount("option[value=WEIGHTS]", 1);
      browser.go("#/tasks/city-reports");
      browser.awaitText("#definition", "the known task of this name, if there is one");
      browser.awaitText("main .stats", "the initial adapter"); // versions are another model's
      browser.awaitCount("nav a[data-view=map]:not([hidden])", 1);
      mapByKeyboard();
      browser.go("#/tasks");
      show(List.of(View.MAP));
      browser.size(PHONE, 740, true);
      fits(View.MAP);
      browser.open("about:blank"); // its streams end before the application does
    }
  }

  private void mapByKeyboard() {
    browser.press("g", "m");
    browser.awaitCount("svg.map [data-node]", 11);
    tabTo("e.dataset?.node !== undefined");
    Object here = browser.focused("e.dataset.node");
    browser.awaitText("#neighbours", (String) here);
    boolean moved =
        IntStream.range(0, 4)
            .mapToObj(
                List.of(Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_DOWN)::get)
            .anyMatch(
                key -> {
                  browser.press(key);
                  return !here.equals(browser.focused("e.dataset.node"));
                });
    assertThat(moved).isTrue();
    browser.click("#as-table");
    browser.awaitText("main table", DemoTasks.TAUGHT);
  }

  /** Presses Tab until the focused element is the one that is meant. */
  private void tabTo(String expression) {
    for (int presses = 0; presses < 20; presses++) {
      if (Boolean.TRUE.equals(browser.focused(expression))) {
        return;
      }
      browser.tab();
    }
    throw new AssertionError("Tab never reaches " + expression);
  }

  @Test
  @DisplayName("follows predictions, filters them, pauses, and keeps a bounded number of rows")
  void live() throws Exception {
    browser.go("#/live");
    browser.awaitText("main .live-status", "Live");
    watch(5);
    browser.js(
        "const s = document.querySelector('main select'); s.value = 'emotion';"
            + " s.dispatchEvent(new Event('change'))");
    browser.awaitText("main .live-status", "Live");
    watch(2);
    assertThat(browser.text("table.live tbody")).contains("emotion").doesNotContain("bank-intent");

    browser.click("#pause");
    browser.awaitText("#pause", "Go on");
    long rows = browser.count("table.live tbody tr");
    browser.await(
        "what came meanwhile",
        () -> {
          demo.ask(10);
          return browser.text("main .live-status").contains("came while paused");
        });
    assertThat(browser.count("table.live tbody tr")).isEqualTo(rows);
    browser.click("#pause");
    browser.js(
        "const s = document.querySelector('main select'); s.value = '';"
            + " s.dispatchEvent(new Event('change'))");
    watch(20);
    browser.await(
        "a full table",
        () -> {
          demo.ask(40);
          return browser.count("table.live tbody tr") == 150;
        });
    demo.ask(100);
    browser.type("input[type=search]", "no text has this");
    browser.awaitNone("table.live tbody tr:not([hidden])");
    assertThat(browser.count("table.live tbody tr")).isEqualTo(150);
    demo.awaitAnswers(); // or the next test would watch them
  }

  @Test
  @DisplayName("follows the system's theme until a person chooses one, which stays chosen")
  void theme() {
    String light = paper();
    browser.prefer("dark");
    browser.await("a dark page", () -> !light.equals(paper()));
    String dark = paper();
    browser.click("#theme");
    browser.await("a light page", () -> light.equals(paper()));
    browser.open(site.url());
    browser.awaitText("#pulse-text", "Ready");
    assertThat(paper()).isEqualTo(light).isNotEqualTo(dark);
  }

  @Test
  @DisplayName("changes colours at once for people who asked for less motion")
  void themeWithoutMotion() {
    browser.prefer("light"); // and less motion
    String light = paper();
    Object changed =
        browser.js(
            "document.documentElement.dataset.theme = 'dark';"
                + " return getComputedStyle(document.body).backgroundColor");
    assertThat(changed).isNotEqualTo(light); // no frame has passed between the two statements
  }

  private String paper() {
    return (String) browser.js("return getComputedStyle(document.body).backgroundColor");
  }

  @Test
  @DisplayName("fits a phone: no view scrolls sideways, everything that is pressed is in reach")
  void phone() {
    browser.size(PHONE, 740, true);
    View.all().forEach(this::fits);
  }

  private void fits(View view) {
    browser.go(view.hash());
    view.texts().keySet().forEach(css -> browser.awaitCount(css, 1));
    assertThat((Long) browser.js("return document.documentElement.scrollWidth"))
        .as(view.name())
        .isLessThanOrEqualTo(PHONE);
    Object outside =
        browser.js(
            "return [...document.querySelectorAll('main a, main button, main input, nav a')]"
                + ".filter(e => e.checkVisibility()).map(e => [e, e.getBoundingClientRect()])"
                + ".filter(([e, b]) => b.width > 0 && !e.closest('.sr')"
                + " && (b.left < -1 || b.right > innerWidth + 1))"
                + ".map(([e]) => e.outerHTML.slice(0, 80))");
    assertThat(outside).as(view.name()).isEqualTo(List.of());
  }

  @Test
  @DisplayName("asks for an API key where one is needed, and offers only what its role allows")
  void key() throws Exception {
    String key = "a-key-for-the-browser-test";
    Path state = folder.resolve("keyed");
    Map<String, Object> keyed =
        Map.of(
            "http.port",
            -1,
            "http.api-keys",
            "tester:teach:" + key,
            "roles",
            "inference",
            "streams.state-dir",
            state.toString());
    try (HyperstreamApplication other = site.app().startAnother(keyed)) {
      browser.open("http://127.0.0.1:" + other.port() + "/");
      browser.awaitText("dialog", "answers only with an API key");
      browser.type("dialog input", "not the key");
      browser.press(Keys.ENTER);
      browser.awaitText("dialog", "did not accept this key");
      browser.type("dialog input", key);
      browser.press(Keys.ENTER);
      browser.awaitNone("dialog");
      browser.awaitText("#pulse-text", "Ready");
      browser.awaitText("#model", ShippedModel.DEFAULT);
      browser.go("#/tasks");
      browser.awaitCount("tr[data-task]", 11);
      browser.awaitNone("#new-task"); // an admin's business
      assertThat(browser.js("return [sessionStorage.length, localStorage.length]"))
          .isEqualTo(List.of(1L, 0L));
      browser.go("#/tasks/city-reports");
      browser.awaitCount("#send-examples", 1);
      browser.awaitNone("#retire");
      browser.open("about:blank"); // its streams end before the application does
    }
    assertThat(browser.log()).allMatch(line -> line.contains("status of 401"));
  }

  private static final String CONTRAST = contrast();

  private static String contrast() {
    try (var in = DashboardIT.class.getResourceAsStream("contrast.js")) {
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
