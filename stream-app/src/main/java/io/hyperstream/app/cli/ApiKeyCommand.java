package io.hyperstream.app.cli;

import io.hyperstream.app.http.access.ApiKey;
import io.hyperstream.app.http.access.Role;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Makes a key of the HTTP API. */
@Command(
    name = "api-key",
    mixinStandardHelpOptions = true,
    description = {
      "Create a key for the HTTP API, and the configuration entry that accepts it.",
      "The key is shown once and stored nowhere; the entry has only its hash."
    },
    footerHeading = "%nExample:%n",
    footer = {
      "    hyperstream api-key --name ann --role teach",
      "    HYPERSTREAM_HTTP_API_KEYS=ann:teach:sha256:... hyperstream serve ...",
      "    curl -H \"Authorization: Bearer $KEY\" http://localhost:8080/api/tasks"
    })
final class ApiKeyCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME",
      description = "The owner's name; recorded as the source of labels and commands.")
  private String name;

  @Option(
      names = "--role",
      required = true,
      paramLabel = "ROLE",
      converter = RoleConverter.class,
      description = "read, predict, teach or admin; each may do what those before it may.")
  private Role role;

  @Option(names = "--json", description = "Print {\"key\": \"..\", \"entry\": \"..\"}.")
  private boolean json;

  ApiKeyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    String key = ApiKey.generate();
    String entry = entry(key);
    if (json) {
      Map<String, Object> made = new LinkedHashMap<>();
      made.put("key", key);
      made.put("entry", entry);
      console.printJson(made);
    } else {
      console.print("key    " + key);
      console.print("entry  " + entry);
      console.note("");
      console.note(
          "Give the key to its owner. Add the entry to hyperstream.http.api-keys, or to the");
      console.note("environment variable HYPERSTREAM_HTTP_API_KEYS; several with commas.");
    }
    return ExitCodes.OK;
  }

  private String entry(String key) {
    try {
      return ApiKey.entry(name, role, key);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(
          "--name: 1 to 64 characters of A-Z a-z 0-9 . _ @ -; got '" + name + "'");
    }
  }

  static final class RoleConverter implements ITypeConverter<Role> {
    @Override
    public Role convert(String value) {
      try {
        return Role.valueOf(value.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(
            "expected read, predict, teach or admin, got '" + value + "'");
      }
    }
  }
}
