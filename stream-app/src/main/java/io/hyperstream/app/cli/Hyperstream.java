package io.hyperstream.app.cli;

/** The command line's entry point. */
public final class Hyperstream {
  private Hyperstream() {}

  public static void main(String[] args) {
    System.out.println("hyperstream");
  }
}
