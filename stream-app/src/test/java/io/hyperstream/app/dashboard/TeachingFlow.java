package io.hyperstream.app.dashboard;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A person defines a task of two desks in a garden shop and teaches it, by hand. */
final class TeachingFlow {
  private static final String TASK = "plant-desk";
  private static final String CARD = "[data-answer='" + TASK + "'] ";
  private static final String QUESTION = "The leaves of my tomato plants turn yellow and fall off.";
  private static final List<String> PLANTS =
      List.of(
          "My roses have black spots on their leaves.",
          "How often should I water tomato plants in a pot?",
          "When do I plant tulip bulbs?",
          "The lavender plants we bought here have dried up.",
          "Which soil do blueberry plants need?",
          "Small green insects sit on the leaves of my beans.",
          "Can I cut back the hedge leaves in June?");
  private static final List<String> TOOLS =
      List.of(
          "The handle of the spade broke on the first day.",
          "My lawn mower does not start any more.",
          "Do you sharpen scissors and saws?",
          "The battery of the drill is empty after five minutes.",
          "A screw is missing in the box with the ladder.",
          "The motor of the mower makes a loud noise.",
          "I lost the charger of my drill.",
          "Is there a spare blade for this saw?");

  private final Browser browser;

  TeachingFlow(Browser browser) {
    this.browser = browser;
  }

  /** In the form. Nothing but the command will start an adaptation. */
  void define() {
    browser.go("#/tasks");
    browser.click("#new-task");
    browser.type("input[name=taskId]", TASK);
    browser.type("textarea[name=labels]", "first\nsecond");
    browser.type("input[name=description]", "Which of two desks of a garden shop answers.");
    browser.click("details.meanings summary");
    browser.awaitCount(".meaning-rows input", 2);
    browser.type(".meaning-rows label:last-child input", "mowers, drills and other tools");
    browser.click("details.more summary");
    browser.awaitText("[data-field=overLength] .hint", "reads 512 tokens");
    browser.js("document.querySelector('select[name=overLength]').value = 'WINDOWS'");
    browser.type("input[name=triggerExamples]", "1000");
    browser.click("#submit-task");
    browser.awaitText("main h1", TASK);
    browser.awaitText("#versions", "No version yet");
    browser.awaitText("#definition .label-meanings", "mowers, drills and other tools");
    browser.awaitText("#definition", "are read in windows");
    browser.go("#/tasks/" + TASK + "/edit");
    browser.awaitText("main h1", "Change " + TASK);
    browser.type("input[name=description]", "Which desk of a garden shop answers.");
    browser.click("#submit-task");
    browser.awaitText("main .heading", "Which desk of a garden shop answers.");
    browser.awaitText("#definition .label-meanings", "mowers, drills and other tools");
  }

  /** Ends in the playground, where the answer has changed. */
  void teach() {
    browser.click("main .heading .button.primary");
    browser.type("textarea", QUESTION);
    browser.awaitText(CARD + ".top-label", "%");
    browser.awaitCount(CARD + "[data-version='0']", 1);
    browser.awaitText(CARD + "[data-taught='false']", "not taught yet");
    String before = browser.text(CARD + ".top-label b");
    // Plants go to the desk that the model would not have chosen.
    String plants = before.equals("first") ? "second" : "first";
    browser.click(CARD + "[data-label='" + plants + "']");
    browser.awaitText(CARD + ".story", plants + " is noted");

    browser.go("#/tasks/" + TASK);
    browser.paste("#teach textarea", lines(plants, before) + "\nno label here");
    browser.awaitText("#teach .preview", "no tab between text and label");
    browser.awaitText("#send-examples", "15 examples");
    browser.click("#send-examples");
    browser.awaitText("#teach .teach-result", "Each is predicted first");

    browser.js("history.back()");
    browser.awaitText(CARD + ".top-label b", before);
    browser.click(CARD + "[data-label='" + plants + "']");
    browser.awaitText(CARD + ".story", plants + " is noted");
    browser.click(CARD + "[data-adapt]");
    browser.await(
        "the changed answer", () -> browser.count(CARD + ".changed[data-changed=label]") == 1);
    browser.awaitText(CARD + ".top-label b", plants);
    browser.awaitCount(CARD + "[data-version='1']", 1);
    browser.awaitNone(CARD + "[data-taught='false']");
    browser.awaitText(CARD + ".story", "promoted");
    for (String other : List.of("product-review", "emotion", "urgency")) {
      browser.click(".pick input[value='" + other + "']");
      browser.awaitText("[data-answer='" + other + "'] .top-label", "%");
    }
    browser.awaitCount(CARD + ".changed[data-changed=label]", 1); // asked again, told no less
  }

  private static String lines(String plants, String tools) {
    return Stream.concat(
            PLANTS.stream().map(text -> text + "\t" + plants),
            TOOLS.stream().map(text -> text + "\t" + tools))
        .collect(Collectors.joining("\n"));
  }

  /** The initial adapter again, then the version that was taught. */
  void backAndForth() {
    browser.go("#/tasks/" + TASK);
    browser.click("[data-order=RESET]");
    browser.click("dialog [data-confirm]");
    browser.awaitText("#commands [data-command=RESET]", "reset");
    browser.awaitText("main .stats", "the initial adapter");
    browser.awaitNone("#versions .served");
    browser.click("#versions [data-version='1'] .icon");
    browser.click("dialog [data-confirm]");
    browser.awaitText("#commands [data-command=ROLLBACK]", "rolled back");
    browser.awaitText("#versions .served", "v2");
    browser.awaitCount("main .heading [data-pinned]", 1);
    browser.awaitNone("[data-order=PIN]:not([hidden])");
    browser.click("[data-order=UNPIN]");
    browser.awaitText("#commands [data-command=UNPIN]", "unpinned");
    browser.awaitNone("main .heading [data-pinned]");
    browser.awaitNone("[data-order=UNPIN]:not([hidden])");
  }
}
