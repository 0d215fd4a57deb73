package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.MODEL;
import static io.hyperstream.app.adaptation.AdaptationFixture.policy;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Any sequence of events, against a model that knows only what was sent and what came out. */
@DisplayName("Over random histories of tasks")
class RandomHistoryTest {
  private static final List<String> TASKS = List.of("a", "b", "c");
  private static final Set<String> ALL_LABELS = Set.of("x", "y", "z");
  private static final List<AdaptationAction> ACTIONS =
      List.of(
          AdaptationAction.ADAPT,
          AdaptationAction.EVALUATE,
          AdaptationAction.ROLLBACK,
          AdaptationAction.RESET,
          AdaptationAction.FREEZE,
          AdaptationAction.UNFREEZE,
          AdaptationAction.UNFREEZE,
          AdaptationAction.PIN,
          AdaptationAction.UNPIN,
          AdaptationAction.UNPIN,
          AdaptationAction.PROMOTE,
          AdaptationAction.FORGET);

  @TempDir private Path folder;
  private AdaptationFixture app;
  private Random random;
  private final Map<String, Set<String>> defined = new HashMap<>();
  private final Map<String, Map<String, String>> examples = new HashMap<>();
  private final Map<String, TreeMap<Long, AdapterVersion>> kept = new HashMap<>();
  private final Map<String, Long> last = new HashMap<>();
  private final Map<String, AdapterVersion> served = new HashMap<>();
  private final Map<String, Integer> open = new HashMap<>();
  private final List<TrainingJob> jobs = new ArrayList<>();
  private int promoted;
  private int dead;

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  @DisplayName("versions are gapless, examples exact, commands answered once")
  void anyLife(long seed) throws Exception {
    random = new Random(seed);
    app = new AdaptationFixture(folder);
    try (AdaptationFixture closing = app) {
      TASKS.forEach(id -> examples.put(id, new TreeMap<>()));
      for (int step = 0; step < 600; step++) {
        step(TASKS.get(random.nextInt(TASKS.size())));
        read();
        for (String id : TASKS) {
          Map<String, String> inUse = new TreeMap<>(examples.get(id));
          inUse.values().retainAll(defined.getOrDefault(id, Set.of()));
          Map<String, String> aside = new TreeMap<>(examples.get(id));
          aside.keySet().removeAll(inUse.keySet());
          assertThat(closing.examples(id)).isEqualTo(inUse);
          assertThat(closing.examples(id, true)).isEqualTo(aside);
        }
      }
      finish();
    }
  }

  private void step(String id) {
    int dice = random.nextInt(100);
    if (dice < 40) {
      label(id);
    } else if (dice < 50) {
      retract(id);
    } else if (dice < 58) {
      define(id);
    } else if (dice < 60) {
      app.retire(id);
      defined.remove(id);
      examples.get(id).clear();
    } else if (dice < 75) {
      command(id, ACTIONS.get(random.nextInt(ACTIONS.size())));
    } else {
      train();
    }
  }

  private void label(String id) {
    String text = "text " + random.nextInt(25);
    String label = List.copyOf(new TreeSet<>(ALL_LABELS)).get(random.nextInt(3));
    app.label(id, text, label);
    if (defined.getOrDefault(id, Set.of()).contains(label)) {
      examples.get(id).put(text, label);
    } else {
      app.wait(Duration.ofSeconds(2)); // in vain
      assertThat(app.deadLetters()).hasSize(1);
      dead++;
    }
  }

  private void retract(String id) {
    String text = "text " + random.nextInt(25);
    app.label(id, text, null);
    if (defined.containsKey(id)) {
      examples.get(id).remove(text);
    } else {
      app.wait(Duration.ofSeconds(2));
      assertThat(app.deadLetters()).hasSize(1);
      dead++;
    }
  }

  private void define(String id) {
    Set<String> labels = random.nextInt(3) == 0 ? Set.of("x", "y") : ALL_LABELS;
    int trigger = 2 + random.nextInt(6);
    app.define(
        task(id, new TreeSet<>(labels).toArray(String[]::new))
            .setAdaptation(policy(trigger).setHeldOutFraction(0.3).build()));
    defined.put(id, labels);
  }

  private void command(String id, AdaptationAction action) {
    String commandId = "command " + open.size();
    open.put(commandId, 0);
    AdaptationCommand.Builder command = AdaptationFixture.command(id, action);
    if (action == AdaptationAction.ROLLBACK && random.nextBoolean()) {
      command.setVersion((long) random.nextInt(8));
    }
    if (action == AdaptationAction.FORGET && random.nextInt(4) > 0) {
      command.setText("text " + random.nextInt(25));
    }
    app.command(command.setCommandId(commandId));
    if (action == AdaptationAction.FORGET && defined.containsKey(id)) {
      if (command.getText() == null) {
        examples.get(id).clear();
      } else {
        examples.get(id).remove(command.getText());
      }
    }
  }

  /** Some jobs end, in any way and any order, some of them long after nobody wants them. */
  private void train() {
    app.tick();
    while (!app.trainer.idle()) {
      jobs.add(app.trainer.take());
    }
    while (!jobs.isEmpty() && random.nextInt(4) > 0) {
      end(jobs.remove(random.nextInt(jobs.size())), random.nextInt(5));
    }
    app.tick();
  }

  private void end(TrainingJob job, int how) {
    if (job.kind() == TrainingJob.Kind.TEST) {
      app.trainer.tested(job, random.nextBoolean());
    } else if (how == 0) {
      app.trainer.failed(job, "bad luck.");
    } else {
      app.trainer.judged(job, how == 1 ? 0.3 : 1, random.nextBoolean());
    }
  }

  private void read() {
    app.kept().forEach(this::kept);
    app.served()
        .forEach(
            (key, version) -> {
              assertThat(key).startsWith(MODEL + "|");
              served.put(key.substring(MODEL.length() + 1), version);
            });
    for (AdaptationReport report : app.reports()) {
      if (report.getCommandId() != null) {
        open.merge(report.getCommandId(), 1, Integer::sum);
      }
      boolean pinned = report.getServed() != null && report.getServed().getPinnedBy() != null;
      if (report.getOutcome() == AdaptationOutcome.PROMOTED && pinned) {
        assertThat(report.getTrigger()).isEqualTo("PROMOTE");
      }
      promoted += report.getOutcome() == AdaptationOutcome.PROMOTED ? 1 : 0;
      if (report.getPublishedVersion() != null) {
        assertThat(report.getPublishedVersion()).isLessThanOrEqualTo(last.get(report.getTaskId()));
      }
    }
    for (String id : TASKS) {
      AdapterVersion now = served.get(id);
      if (now != null) { // only the newest is ever served
        assertThat(kept.get(id).lastEntry()).isEqualTo(Map.entry(last.get(id), now));
      }
    }
  }

  private void kept(String key, AdapterVersion version) {
    String[] parts = key.split("\\|", 3);
    String id = parts[1];
    long number = Long.parseLong(parts[2]);
    TreeMap<Long, AdapterVersion> versions = kept.computeIfAbsent(id, any -> new TreeMap<>());
    if (version == null) {
      assertThat(versions.remove(number)).isNotNull();
    } else {
      assertThat(number).isEqualTo(last.getOrDefault(id, 0L) + 1);
      assertThat(version.getVersion()).isEqualTo(number);
      last.put(id, number);
      versions.put(number, version);
    }
    assertThat(versions).hasSizeLessThanOrEqualTo(VersionLog.KEPT);
  }

  /** Whatever is still open ends. */
  private void finish() {
    for (int i = 0; i < 200; i++) {
      app.wait(Duration.ofSeconds(3));
      while (!app.trainer.idle()) {
        end(app.trainer.take(), 2);
      }
      jobs.forEach(job -> end(job, 2));
      jobs.clear();
      app.tick();
      read();
    }
    assertThat(app.deadLetters()).isEmpty();
    assertThat(open).isNotEmpty().allSatisfy((id, reports) -> assertThat(reports).isEqualTo(1));
    assertThat(promoted).isGreaterThan(3);
    assertThat(dead).isPositive();
  }
}
