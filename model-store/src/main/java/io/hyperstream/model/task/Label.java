package io.hyperstream.model.task;

/**
 * One class of a classification task.
 *
 * @param name what predictions carry
 * @param verbalizer the text the decoder scores for it; often the name itself
 */
public record Label(String name, String verbalizer) {
  public Label {
    if (name == null || name.isBlank()) {
      throw new IllegalArgumentException("a label needs a name; got " + name);
    }
    if (verbalizer == null || verbalizer.isBlank()) {
      throw new IllegalArgumentException(
          "label '" + name + "' needs a verbalizer; leave it out to use the name");
    }
  }

  /** A label whose verbalizer is its name. */
  public static Label of(String name) {
    return new Label(name, name);
  }
}
