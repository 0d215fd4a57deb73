package io.hyperstream.app.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Models in the store on this machine; no Kafka. */
@Command(
    name = "model",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Import, list, inspect and verify models.",
      "A model is an encoder of the BERT family or a T5, in Hugging Face layout, perhaps with a"
          + " hypernetwork and its task embeddings."
    },
    subcommands = {
      ModelImportCommand.class,
      ModelListCommand.class,
      ModelInspectCommand.class,
      ModelVerifyCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream model list",
      "    hyperstream model inspect",
      "    hyperstream model import https://huggingface.co/google-t5/t5-small",
      "    hyperstream model import https://huggingface.co/intfloat/e5-small-v2 \\",
      "      --prefix 'query: '",
      "    hyperstream model import ./my-t5 --hypernetwork ./my-hypernetwork --name tickets",
    })
final class ModelCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "name what to do: import, list, inspect or verify");
  }
}
