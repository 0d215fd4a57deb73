package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.checkpoint.ForwardingTensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A model that does not load to its end")
class LoadingFailureTest {
  private final Set<NDManager> managers = Collections.newSetFromMap(new IdentityHashMap<>());
  private int reads;

  @TempDir Path folder;

  /** Fails after so many reads, and knows who reads. */
  private final class Breaking extends ForwardingTensors {
    private final int good;
    private final Supplier<? extends Throwable> failure;

    Breaking(TensorSource source, int good, Supplier<? extends Throwable> failure) {
      super(source);
      this.good = good;
      this.failure = failure;
    }

    @Override
    public NDArray read(NDManager manager, String name) {
      managers.add(manager);
      if (reads++ == good) {
        LoadingFailureTest.<RuntimeException>raise(failure.get());
      }
      return source.read(manager, name);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void raise(Throwable failure) throws E {
    throw (E) failure;
  }

  private LoadedModel open(StoredModel model, int good, Supplier<? extends Throwable> failure)
      throws IOException {
    reads = 0;
    managers.clear();
    return LoadedModel.open(
        model.backbone().directory(),
        model.hypernetwork(),
        Optional.empty(),
        ModelOptions.DEFAULT.readouts(model.manifest().card()),
        source -> new Breaking(source, good, failure));
  }

  @Test
  @DisplayName("frees what it had opened, whatever stopped it and wherever")
  void freed() throws IOException {
    Ops.inferenceThread();
    StoredModel model = StarterModel.install(new FileModelStore(folder));
    open(model, Integer.MAX_VALUE, IllegalStateException::new).close();
    int all = reads;
    assertThat(managers).hasSizeGreaterThan(1);
    assertThat(managers).noneMatch(NDManager::isOpen);
    for (int good : new int[] {0, 1, all / 2, all - 1}) {
      assertThatThrownBy(() -> open(model, good, () -> new OutOfMemoryError("as if")))
          .isInstanceOf(OutOfMemoryError.class);
      assertThat(managers).as("after %s of %s tensors", good, all).noneMatch(NDManager::isOpen);
      assertThatThrownBy(() -> open(model, good, () -> new IllegalStateException("as if")))
          .isInstanceOf(IllegalStateException.class);
      assertThat(managers).as("after %s of %s tensors", good, all).noneMatch(NDManager::isOpen);
    }
  }
}
