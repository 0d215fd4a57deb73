package io.hyperstream.model.training;

/** Random numbers as functions of a seed and a position: nothing to save, nothing to restore. */
final class Seeds {
  private Seeds() {}

  /** 64 well-mixed bits (SplitMix64's finaliser over both). */
  static long mix(long seed, long position) {
    long z = seed * 0x9E3779B97F4A7C15L + position * 0xD1B54A32D192ED03L + 0x8CB92BA72F3D8DD7L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  static long mix(long seed, String name) {
    return mix(seed, name.hashCode());
  }
}
