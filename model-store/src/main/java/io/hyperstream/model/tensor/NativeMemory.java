package io.hyperstream.model.tensor;

import com.sun.jna.Function;
import com.sun.jna.NativeLong;

/** Where tensors on a CPU lie: the C library's memory, outside the Java heap. */
public final class NativeMemory {
  // of malloc.h
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_MMAP_THRESHOLD = -3;

  private static final int LARGEST = 1 << 30;

  private NativeMemory() {}

  /**
   * Has freed memory kept for the next tensors, process-wide. Otherwise large ones are handed back
   * to the kernel each time and zeroed again when the next is made: a sixth of a training step, and
   * on a virtual machine, where the host has to find the memory again, up to a third of a batch. In
   * exchange the process stays as large as it once was, until {@link #giveBackFreed}.
   *
   * @return false where the C library has no such setting
   */
  public static boolean keepFreed() {
    try {
      Function mallopt = Function.getFunction("c", "mallopt");
      return mallopt.invokeInt(new Object[] {M_MMAP_THRESHOLD, LARGEST}) == 1
          && mallopt.invokeInt(new Object[] {M_TRIM_THRESHOLD, LARGEST}) == 1;
    } catch (LinkageError e) { // another operating system, or no JNA for it
      return false;
    }
  }

  /**
   * Hands freed memory back to the kernel, wherever it lies between what is in use. The C library
   * keeps for each thread what its largest batches needed, in pieces: several hundred MiB after
   * some thousand batches. The next batch has its memory zeroed again, so not for every batch.
   *
   * @return false where the C library cannot, or had nothing to give
   */
  public static boolean giveBackFreed() {
    try {
      return Function.getFunction("c", "malloc_trim").invokeInt(new Object[] {new NativeLong(0)})
          == 1;
    } catch (LinkageError e) { // another operating system, or no JNA for it
      return false;
    }
  }
}
