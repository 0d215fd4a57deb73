package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * What a parity check found.
 *
 * @param pass whether every check of every fixture passed
 */
public record ParityReport(boolean pass, List<Fixture> fixtures) {

  /**
   * One fixture.
   *
   * @param notChecked expectations this check does not cover, such as gradients; never counted as
   *     passed
   */
  public record Fixture(String name, List<Check> checks, List<String> notChecked) {
    public Fixture {
      checks = List.copyOf(checks);
      notChecked = List.copyOf(notChecked);
    }

    public boolean pass() {
      return checks.stream().allMatch(Check::pass);
    }
  }

  /**
   * One compared array.
   *
   * @param maxAbsDiff largest absolute difference; of token ids for generated sequences; infinite
   *     if the shapes differ or a value is not a number
   * @param outliers values beyond the tolerance that were let pass
   */
  public record Check(String check, double maxAbsDiff, boolean pass, int outliers) {
    Check(String check, double maxAbsDiff, boolean pass) {
      this(check, maxAbsDiff, pass, 0);
    }
  }

  public ParityReport {
    fixtures = List.copyOf(fixtures);
  }

  static ParityReport of(List<Fixture> fixtures) {
    return new ParityReport(fixtures.stream().allMatch(Fixture::pass), fixtures);
  }

  /** How many arrays were compared. */
  public int checks() {
    return fixtures.stream().mapToInt(f -> f.checks().size()).sum();
  }

  /** {@code {pass, fixtures:[{name, checks:[{check, maxAbsDiff, pass}]}]}}. */
  public String toJson() {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("pass", pass);
    ArrayNode list = root.putArray("fixtures");
    for (Fixture fixture : fixtures) {
      ObjectNode node = list.addObject();
      node.put("name", fixture.name());
      node.put("pass", fixture.pass());
      ArrayNode checks = node.putArray("checks");
      for (Check check : fixture.checks()) {
        ObjectNode line = checks.addObject();
        line.put("check", check.check());
        if (Double.isFinite(check.maxAbsDiff())) {
          line.put("maxAbsDiff", check.maxAbsDiff());
        } else {
          line.putNull("maxAbsDiff"); // JSON has no infinity
        }
        line.put("pass", check.pass());
        if (check.outliers() > 0) {
          line.put("outliers", check.outliers());
        }
      }
      ArrayNode skipped = node.putArray("notChecked");
      fixture.notChecked().forEach(skipped::add);
    }
    return root.toPrettyString();
  }
}
