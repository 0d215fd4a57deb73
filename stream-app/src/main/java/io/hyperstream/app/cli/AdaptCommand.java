package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationAction;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Adapts a task now, or says whether it may adapt by itself. */
@Command(
    name = "adapt",
    mixinStandardHelpOptions = true,
    description = {
      "Adapt a task to its labelled examples now, without waiting for more of them.",
      "The new version is evaluated on examples it was not trained on and served only if it is"
          + " probably better; the report says why or why not. Tasks adapt on their own when"
          + " enough examples are new; --freeze stops that."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream adapt --task support-routing --wait",
      "    hyperstream adapt --task support-routing --freeze --reason 'sale starts on Friday'",
      "    hyperstream adapt --task support-routing --promote --wait    # whatever the comparison says",
      "    hyperstream adapt --task support-routing --unpin    # after a rollback",
      "    hyperstream adapt --task support-routing --reset    # back to the initial adapter",
      "",
      "With --wait it exits with 0 if a version was promoted, with 4 if the new one was not better."
    })
final class AdaptCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private AdaptationOrder order;

  @ArgGroup private Instead instead = new Instead();

  /** What else can be asked for. */
  private static final class Instead {
    @Option(
        names = "--evaluate",
        required = true,
        description = "Train and evaluate a new version, but publish nothing: only report.")
    private boolean evaluate;

    @Option(
        names = "--freeze",
        required = true,
        description = "Keep the served version: no adaptation until --unfreeze.")
    private boolean freeze;

    @Option(names = "--unfreeze", required = true, description = "Allow adaptation again.")
    private boolean unfreeze;

    @Option(
        names = "--promote",
        required = true,
        description =
            "Train a new version and serve it whatever the comparison says; the report says both.")
    private boolean promote;

    @Option(
        names = "--pin",
        required = true,
        description =
            "Keep the served version: adaptation goes on and reports, but replaces nothing until"
                + " --unpin. A rollback pins too.")
    private boolean pin;

    @Option(names = "--unpin", required = true, description = "Allow promotions again.")
    private boolean unpin;

    @Option(
        names = "--reset",
        required = true,
        description = "Serve the initial adapter, version 0, again, and unpin; examples are kept.")
    private boolean reset;

    private AdaptationAction action() {
      if (evaluate) {
        return AdaptationAction.EVALUATE;
      }
      if (freeze) {
        return AdaptationAction.FREEZE;
      }
      if (unfreeze) {
        return AdaptationAction.UNFREEZE;
      }
      if (promote) {
        return AdaptationAction.PROMOTE;
      }
      if (pin) {
        return AdaptationAction.PIN;
      }
      if (unpin) {
        return AdaptationAction.UNPIN;
      }
      return reset ? AdaptationAction.RESET : AdaptationAction.ADAPT;
    }
  }

  AdaptCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (Connection cluster = order.connection.connect()) {
      order.requireTask(cluster, console);
      return order.send(order.order(instead.action()).build(), cluster, console);
    }
  }
}
