package io.hyperstream.model.bench;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * A program that runs models of ours too. It is no part of the application: its jar is put beside
 * one to measure, and found by {@link ServiceLoader}. Thread-safe.
 */
public interface OpponentFactory {
  /** What builds the jars and their models. */
  String BUILD = "mvn -ntp -q -DskipTests -Pbench package";

  /** What {@code --against} calls it. */
  String name();

  /**
   * The number formats in which it has a model, float32 first.
   *
   * @param model its name in a store
   * @return at least one
   * @throws IllegalArgumentException if it has none of that model; says which it has
   * @throws IllegalStateException if the files are not there; says what builds them
   */
  List<String> formats(String model);

  /**
   * Loads a model.
   *
   * @param format one of {@link #formats}
   * @param threads that compute, the caller's among them
   * @throws IOException if a file is missing, or is not what it should be
   */
  Opponent open(String model, String format, int threads) throws IOException;

  /** The one of a name, if its jar is on the class path. */
  static Optional<OpponentFactory> find(String name) {
    return ServiceLoader.load(OpponentFactory.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(factory -> factory.name().equals(name))
        .findFirst();
  }
}
