package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * Turns adapters-as-data into adapters-as-weights and keeps them while memory lasts. What a batch
 * misses is made in one call, so that the hypernetwork runs once for all of it. Weights are known
 * by the content they were made from: a new version of a task is a new entry, and the old one ages
 * out.
 *
 * <p>Beyond the budget the least recently used are freed, never those of the current batch. A task
 * that is not resident costs nothing here.
 *
 * <p>{@link #acquire} and {@link #close} are for the one thread that runs batches; {@link #stats}
 * for any.
 */
final class AdapterBank implements AutoCloseable {

  /** The outcome of one adapter: weights, or why there are none. */
  sealed interface Lookup {
    record Found(AdapterWeights weights) implements Lookup {}

    /** The adapter can never be used with this model. */
    record Unusable(String reason) implements Lookup {}
  }

  /** Embeddings are equal by value: they arrive again with every catalog update. */
  private record Key(AdapterForm form) {
    @Override
    public boolean equals(Object other) {
      if (!(other instanceof Key key)) {
        return false;
      }
      if (form instanceof AdapterForm.Embedding mine
          && key.form instanceof AdapterForm.Embedding theirs) {
        return Arrays.equals(mine.values(), theirs.values());
      }
      return form.equals(key.form);
    }

    @Override
    public int hashCode() {
      return form instanceof AdapterForm.Embedding embedding
          ? Arrays.hashCode(embedding.values())
          : form.hashCode();
    }
  }

  private final Function<List<AdapterForm>, List<AdapterWeights>> factory;
  private final long budgetBytes;
  private final Map<Key, AdapterWeights> resident = new LinkedHashMap<>(64, 0.75f, true);

  private final AtomicLong hits = new AtomicLong();
  private final AtomicLong misses = new AtomicLong();
  private final AtomicLong evictions = new AtomicLong();
  private final AtomicLong residentTasks = new AtomicLong();
  private final AtomicLong residentBytes = new AtomicLong();

  /**
   * @param factory makes weights of several forms at once; its exceptions are those of {@code
   *     AdapterFactory.make}
   */
  AdapterBank(Function<List<AdapterForm>, List<AdapterWeights>> factory, long budgetBytes) {
    this.factory = factory;
    this.budgetBytes = budgetBytes;
  }

  /**
   * The weights of a batch's adapters, valid until the next call.
   *
   * @param adapters one per row, repeated at will
   * @return one per row; equal adapters share one instance
   * @throws MissingWeightsException if a file is not there (any more)
   */
  List<Lookup> acquire(List<TaskAdapter> adapters) {
    IdentityHashMap<AdapterForm, Key> keys = new IdentityHashMap<>();
    Set<Key> wanted = new LinkedHashSet<>();
    for (TaskAdapter adapter : adapters) {
      wanted.add(keys.computeIfAbsent(adapter.form(), Key::new));
    }
    Map<Key, Lookup> found = new LinkedHashMap<>();
    List<Key> missing = new ArrayList<>();
    for (Key key : wanted) {
      AdapterWeights weights = resident.get(key);
      if (weights == null) {
        missing.add(key);
      } else {
        found.put(key, new Lookup.Found(weights));
      }
    }
    hits.addAndGet(wanted.size() - missing.size());
    misses.addAndGet(missing.size());
    if (!missing.isEmpty()) {
      make(missing, found);
      evict(wanted);
    }
    List<Lookup> out = new ArrayList<>(adapters.size());
    for (TaskAdapter adapter : adapters) {
      out.add(found.get(keys.get(adapter.form())));
    }
    return out;
  }

  private void make(List<Key> missing, Map<Key, Lookup> found) {
    try {
      List<AdapterWeights> made = factory.apply(missing.stream().map(Key::form).toList());
      for (int i = 0; i < made.size(); i++) {
        keep(missing.get(i), made.get(i), found);
      }
    } catch (CheckpointException | IllegalArgumentException | UncheckedIOException together) {
      // One of them is unusable; the others of the batch must not suffer.
      for (Key key : missing) {
        try {
          keep(key, factory.apply(List.of(key.form())).get(0), found);
        } catch (CheckpointException | IllegalArgumentException e) {
          found.put(key, new Lookup.Unusable(e.getMessage()));
        } catch (UncheckedIOException e) {
          if (e.getCause() instanceof NoSuchFileException
              && key.form() instanceof AdapterForm.Weights weights) {
            throw new MissingWeightsException(weights.file(), e); // it can be had again
          }
          throw e; // the disk may recover: the batch is tried again
        }
      }
    }
  }

  private void keep(Key key, AdapterWeights weights, Map<Key, Lookup> found) {
    resident.put(key, weights);
    residentBytes.addAndGet(weights.bytes());
    residentTasks.set(resident.size());
    found.put(key, new Lookup.Found(weights));
  }

  private void evict(Set<Key> inUse) {
    Set<Key> pinned = new HashSet<>(inUse);
    Iterator<Map.Entry<Key, AdapterWeights>> eldestFirst = resident.entrySet().iterator();
    while (residentBytes.get() > budgetBytes && eldestFirst.hasNext()) {
      Map.Entry<Key, AdapterWeights> entry = eldestFirst.next();
      if (!pinned.contains(entry.getKey())) {
        eldestFirst.remove();
        residentBytes.addAndGet(-entry.getValue().bytes());
        evictions.incrementAndGet();
        entry.getValue().close();
      }
    }
    residentTasks.set(resident.size());
  }

  AdapterBankStats stats() {
    return new AdapterBankStats(
        hits.get(),
        misses.get(),
        evictions.get(),
        residentTasks.get(),
        residentBytes.get(),
        budgetBytes);
  }

  @Override
  public void close() {
    resident.values().forEach(AdapterWeights::close);
    resident.clear();
    residentBytes.set(0);
    residentTasks.set(0);
  }
}
