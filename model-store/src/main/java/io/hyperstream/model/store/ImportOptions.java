package io.hyperstream.model.store;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an import adds to what the files say.
 *
 * @param name the model's name in the store; by default the folder's or repository's
 * @param hypernetwork a folder with {@code adapter_config.json} and {@code
 *     hypernetwork.safetensors}, for a backbone that comes without
 * @param maxSourceTokens longest input; by default {@code n_positions} of the config, or 512
 * @param maxTargetTokens longest decoded output; by default 128, of an encoder 2, the least allowed
 * @param prefix what an encoder reads before every text, such as e5's {@code "query: "}
 * @param licence of the weights
 * @param notes for people
 */
public record ImportOptions(
    Optional<String> name,
    Optional<Path> hypernetwork,
    OptionalInt maxSourceTokens,
    OptionalInt maxTargetTokens,
    Optional<String> prefix,
    String licence,
    String notes) {

  /** Everything by default. */
  public static final ImportOptions DEFAULT =
      new ImportOptions(
          Optional.empty(),
          Optional.empty(),
          OptionalInt.empty(),
          OptionalInt.empty(),
          Optional.empty(),
          "",
          "");

  /** The same under a name. */
  public ImportOptions named(String name) {
    return new ImportOptions(
        Optional.of(name), hypernetwork, maxSourceTokens, maxTargetTokens, prefix, licence, notes);
  }
}
