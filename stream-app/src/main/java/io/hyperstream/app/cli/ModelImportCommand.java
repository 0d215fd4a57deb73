package io.hyperstream.app.cli;

import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.store.HubModel;
import io.hyperstream.model.store.ImportOptions;
import io.hyperstream.model.store.ModelImporter;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Bring a model into the store: from a folder, or downloaded from a hub.",
      "Two families are read, in Hugging Face layout with weights in safetensors: T5 (config.json,"
          + " spiece.model) and encoders of the BERT family, RoBERTa and XLM-RoBERTa among them"
          + " (config.json, tokenizer.json, and sentence-transformers' files where there are any).",
      "The model is opened as serving opens it: every tensor's name, shape and values, the tokenizer,"
          + " and an answer. What cannot be served is refused, and nothing is stored.",
      "Every file is checksummed; an interrupted download goes on where it was."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream model import ./my-t5",
      "    hyperstream model import https://huggingface.co/google/flan-t5-small",
      "    hyperstream model import https://huggingface.co/intfloat/e5-small-v2 \\",
      "      --prefix 'query: '",
      "  A branch, tag or pull request instead of main:",
      "    hyperstream model import https://huggingface.co/OWNER/NAME/tree/refs/pr/7",
      "A hub that wants a token gets the one in the environment variable HYPERSTREAM_HUB_TOKEN."
    })
final class ModelImportCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private StoreOptions store;

  @Parameters(index = "0", paramLabel = "DIR|URL", description = "Where the model is.")
  private String source;

  @Option(names = "--name", description = "Its name in the store. Default: the source's.")
  private String name;

  @Option(
      names = "--hypernetwork",
      paramLabel = "DIR",
      description = "adapter_config.json and hypernetwork.safetensors, for a bare backbone.")
  private Path hypernetwork;

  @Option(
      names = "--max-source-tokens",
      paramLabel = "N",
      description = "Longest input. Default: what the model says, or 512.")
  private Integer maxSourceTokens;

  @Option(
      names = "--max-target-tokens",
      paramLabel = "N",
      description = "Longest text that a T5 writes. Default: 128.")
  private Integer maxTargetTokens;

  @Option(
      names = "--prefix",
      paramLabel = "TEXT",
      description =
          "What an encoder wants before every text, such as 'query: ' for the e5 models. Default: what"
              + " the model's own files say.")
  private String prefix;

  @Option(names = "--licence", defaultValue = "", description = "Of the weights; kept with them.")
  private String licence;

  @Option(names = "--notes", defaultValue = "", description = "For people.")
  private String notes;

  @Option(names = "--json", description = "Print the stored model as JSON.")
  private boolean json;

  ModelImportCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    ImportOptions options =
        new ImportOptions(
            Optional.ofNullable(name),
            Optional.ofNullable(hypernetwork),
            optional(maxSourceTokens),
            optional(maxTargetTokens),
            Optional.ofNullable(prefix),
            licence,
            notes);
    ModelImporter importer = LoadedModel.importer(store.open());
    StoredModel model = isUrl() ? download(importer, options) : copy(importer, options);
    if (json) {
      console.printJson(ModelRendering.toMap(model));
    } else {
      console.note("imported " + model.reference() + " (" + model.modelId() + ")");
    }
    return ExitCodes.OK;
  }

  private boolean isUrl() {
    String lower = source.toLowerCase(Locale.ROOT);
    return lower.startsWith("https://") || lower.startsWith("http://");
  }

  private StoredModel copy(ModelImporter importer, ImportOptions options) throws IOException {
    Path folder = Path.of(source);
    if (!Files.isDirectory(folder)) {
      throw CommandFailure.failed(
          source + " is no folder; give the folder of a checkpoint or an http(s) address");
    }
    return importer.importFolder(folder, options);
  }

  private StoredModel download(ModelImporter importer, ImportOptions options) throws IOException {
    Optional<String> token = Optional.ofNullable(System.getenv("HYPERSTREAM_HUB_TOKEN"));
    HubModel hub = HubModel.parse(source, token.filter(value -> !value.isBlank()));
    try (DownloadProgress progress = new DownloadProgress(console)) {
      return importer.importFromHub(hub, options, progress::downloaded);
    }
  }

  private static OptionalInt optional(Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  /** One bar per file. */
  private static final class DownloadProgress implements AutoCloseable {
    private final Console console;
    private String file = "";
    private ProgressBar bar;

    DownloadProgress(Console console) {
      this.console = console;
    }

    synchronized void downloaded(String name, long bytes, OptionalLong total) {
      if (!name.equals(file)) {
        close();
        file = name;
        bar = new ProgressBar(console, name, ProgressBar.Unit.BYTES, total.orElse(-1));
      }
      bar.at(bytes, total.orElse(-1));
    }

    @Override
    public synchronized void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
