package io.hyperstream.model.t5;

/**
 * T5's buckets of relative positions (key minus query): exact near by, logarithmic up to the
 * maximum distance, one beyond. Immutable, any thread.
 */
public final class PositionBuckets {
  private final boolean bidirectional;
  private final int side; // buckets of one direction
  private final int maxDistance;
  private final int[] ofDistance; // distance 0 .. maxDistance

  /**
   * @param bidirectional whether later keys have buckets of their own, as in the encoder
   */
  public PositionBuckets(int buckets, int maxDistance, boolean bidirectional) {
    this.bidirectional = bidirectional;
    this.maxDistance = maxDistance;
    side = bidirectional ? buckets / 2 : buckets;
    int exact = side / 2;
    if (exact < 1 || maxDistance <= exact) {
      throw new IllegalArgumentException(
          "buckets need a maximum distance beyond the "
              + exact
              + " exact ones, of which there is at least one; it is "
              + maxDistance);
    }
    ofDistance = new int[maxDistance + 1];
    float range = (float) Math.log((double) maxDistance / exact);
    for (int distance = 0; distance <= maxDistance; distance++) {
      if (distance < exact) {
        ofDistance[distance] = distance;
      } else { // the reference takes the logarithm in float32, and bucket edges depend on it
        float log = (float) Math.log((float) distance / exact);
        ofDistance[distance] = Math.min(exact + (int) (log / range * (side - exact)), side - 1);
      }
    }
  }

  /** The bucket of a relative position. */
  public int bucket(int relative) {
    int distance = bidirectional ? Math.abs(relative) : Math.max(-relative, 0);
    int bucket = ofDistance[Math.min(distance, maxDistance)];
    return bidirectional && relative > 0 ? bucket + side : bucket;
  }
}
