package io.hyperstream.app.dashboard;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebDriverException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * An installed Chromium without a window, with an empty profile of its own. Everything waits for
 * what it needs, and takes a page that changes meanwhile.
 */
final class Browser implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String REQUIRED = "hyperstream.browser";
  private static final List<String> BROWSERS = List.of("chromium", "chromium-browser");
  private static final String DRIVER = "chromedriver";

  private final Path profile;
  private final ChromeDriver driver;

  private Browser(Path executable, Path driverExecutable) throws IOException {
    profile = Files.createTempDirectory("hyperstream-browser-");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(executable.toFile());
    options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
    options.addArguments(
        "--headless=new",
        "--no-sandbox", // as root, as in containers of CI; it sees nothing but this application
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--user-data-dir=" + profile);
    ChromeDriverService service =
        new ChromeDriverService.Builder().usingDriverExecutable(driverExecutable.toFile()).build();
    driver = new ChromeDriver(service, options);
  }

  /**
   * Starts it.
   *
   * @return empty where none is installed
   * @throws IllegalStateException if none is installed, but it is required ({@code
   *     -Dhyperstream.browser=required}, or {@code HYPERSTREAM_BROWSER=required} in the
   *     environment)
   */
  static Optional<Browser> start() throws IOException {
    Optional<Path> executable = BROWSERS.stream().flatMap(name -> find(name).stream()).findFirst();
    Optional<Path> driver = find(DRIVER);
    if (executable.isPresent() && driver.isPresent()) {
      return Optional.of(new Browser(executable.get(), driver.get()));
    }
    String required = System.getProperty(REQUIRED, System.getenv("HYPERSTREAM_BROWSER"));
    if ("required".equals(required)) {
      throw new IllegalStateException(
          "a browser is required, but chromium and chromedriver are not both on the PATH");
    }
    return Optional.empty();
  }

  private static Optional<Path> find(String name) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  void open(String url) {
    driver.get(url);
  }

  /** Goes to a view, and waits until it is there. */
  void go(String hash) {
    js("location.hash = arguments[0]", hash);
    await(
        "the view " + hash,
        () -> Boolean.TRUE.equals(js("return !!document.querySelector('main h1')")));
  }

  Object js(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** What is written in the first element; empty if there is none. */
  String text(String css) {
    Object text =
        js(
            "const e = document.querySelector(arguments[0]);"
                + " return e?.innerText ?? e?.textContent ?? ''", // a drawing has no innerText
            css);
    return (String) text;
  }

  long count(String css) {
    return (Long) js("return document.querySelectorAll(arguments[0]).length", css);
  }

  void await(String what, Callable<Boolean> condition) {
    await(what, PATIENCE, condition);
  }

  void await(String what, Duration patience, Callable<Boolean> condition) {
    try {
      Awaitility.await(what)
          .atMost(patience)
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(50))
          .ignoreExceptionsInstanceOf(WebDriverException.class) // the page is changing
          .until(condition);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "no " + what + "; the page says:\n" + text("body") + "\nconsole: " + log(), e);
    }
  }

  void awaitText(String css, String part) {
    await(css + " with '" + part + "'", () -> text(css).contains(part));
  }

  void awaitCount(String css, long atLeast) {
    await(atLeast + " of " + css, () -> count(css) >= atLeast);
  }

  void awaitNone(String css) {
    await("end of " + css, () -> count(css) == 0);
  }

  void click(String css) {
    await(
        "click on " + css,
        () -> {
          driver.findElement(By.cssSelector(css)).click();
          return true;
        });
  }

  /** In place of what the field holds. */
  void type(String css, String text) {
    await(
        "field " + css,
        () -> {
          WebElement field = driver.findElement(By.cssSelector(css));
          field.clear();
          field.sendKeys(text);
          return true;
        });
  }

  /** As from the clipboard, tabs and all. */
  void paste(String css, String text) {
    await("field " + css, () -> count(css) > 0);
    js(
        "const field = document.querySelector(arguments[0]); field.focus(); field.select();"
            + " document.execCommand('insertText', false, arguments[1])",
        css,
        text);
  }

  /** To whatever has the focus. */
  void press(CharSequence... keys) {
    Actions actions = new Actions(driver);
    for (CharSequence key : keys) {
      actions.sendKeys(key);
    }
    actions.perform();
  }

  void tab() {
    press(Keys.TAB);
  }

  /** An expression about the focused element, as {@code e.id}. */
  Object focused(String expression) {
    return js("const e = document.activeElement; return " + expression);
  }

  void size(int width, int height, boolean mobile) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of(
            "width",
            width,
            "height",
            height,
            "deviceScaleFactor",
            mobile ? 2 : 1,
            "mobile",
            mobile));
  }

  /** What the system prefers: light or dark, and whether things may move. */
  void prefer(String scheme) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(
                Map.of("name", "prefers-color-scheme", "value", scheme),
                Map.of("name", "prefers-reduced-motion", "value", "reduce"))));
  }

  /** Everything the console has said since the last call, errors of policy and script included. */
  List<String> log() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .map(LogEntry::getMessage)
        .toList();
  }

  void screenshot(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    driver.quit();
    // Its helpers still write for a moment.
    Awaitility.await("the end of the browser")
        .ignoreExceptionsMatching(
            e -> e instanceof IOException || e instanceof UncheckedIOException)
        .until(this::forgetProfile);
  }

  private boolean forgetProfile() throws IOException {
    try (Stream<Path> all = Files.walk(profile)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
    return Files.notExists(profile);
  }
}
