package io.hyperstream.app.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The file of {@code --json}, which a command writes when minutes of work are done. */
final class JsonFile {
  private static final ObjectMapper INDENTED =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private JsonFile() {}

  /**
   * Makes sure that the file can be written, before the work. What is in it stays; pipes and
   * devices are left alone.
   *
   * @param file null: none was asked for
   * @throws CommandFailure if it cannot, with the file and why
   */
  static void check(Path file) {
    if (file == null) {
      return;
    }
    try {
      if (Files.isDirectory(file)) {
        throw CommandFailure.usage("--json: expected a file, but " + file + " is a folder");
      }
      if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
        Files.delete(file);
      } else if (Files.isRegularFile(file)) {
        Files.newOutputStream(file, StandardOpenOption.WRITE).close();
      }
    } catch (IOException e) {
      throw CommandFailure.usage(
          "--json: cannot write " + file + ": " + reason(e) + "; name a file that can be written");
    }
  }

  /**
   * Writes an object, indented.
   *
   * @throws CommandFailure if it does not arrive, with the file and why
   */
  static void write(Path file, Object value) {
    try {
      Files.writeString(file, INDENTED.writeValueAsString(value) + "\n");
    } catch (IOException e) {
      throw CommandFailure.failed(
          "--json: " + file + " could not be written: " + reason(e) + "; it is not complete", e);
    }
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "its folder does not exist";
    }
    if (e instanceof AccessDeniedException) {
      return "not allowed";
    }
    return e instanceof FileSystemException file && file.getReason() != null
        ? file.getReason()
        : String.valueOf(e.getMessage());
  }
}
