package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.t5.PositionBuckets;
import java.util.ArrayList;
import java.util.List;

/** Compares relative-position buckets with the reference's tables. */
final class BucketParity {
  private BucketParity() {}

  static List<ParityReport.Check> check(JsonNode tables) {
    List<ParityReport.Check> checks = new ArrayList<>();
    for (JsonNode table : tables) {
      int buckets = table.path("num_buckets").asInt();
      boolean bidirectional = table.path("bidirectional").asBoolean();
      PositionBuckets ours =
          new PositionBuckets(buckets, table.path("max_distance").asInt(), bidirectional);
      int from = table.path("relative_position_from").asInt();
      JsonNode expected = table.path("bucket");
      double worst = expected.isEmpty() ? Double.POSITIVE_INFINITY : 0;
      for (int i = 0; i < expected.size(); i++) {
        worst = Math.max(worst, Math.abs(ours.bucket(from + i) - expected.get(i).asInt()));
      }
      String name = "buckets." + buckets + "." + (bidirectional ? "bidirectional" : "causal");
      checks.add(new ParityReport.Check(name, worst, worst == 0));
    }
    return checks;
  }
}
