package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.schemas.Prediction;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("While the brokers take much less than the model answers")
@ExtendWith(SharedCluster.class)
class SlowDownstreamIT {
  private static final int REQUESTS = 600;
  private static final int ATTRIBUTE_CHARS = 800; // travels from request to prediction

  /** The broker lets eleven seconds' worth pass before it slows anyone down. */
  private static final double BYTES_PER_SECOND = 25_000;

  @TempDir Path folder;

  @Test
  @DisplayName("no thread fails, no transaction is given up, each request is answered once")
  void throttled() throws Exception {
    try (AppFixture app = new AppFixture("throttled", folder);
        Admin admin = app.admin()) {
      app.define(AppFixture.task("mood", "good", "bad"));
      String attribute = "x".repeat(ATTRIBUTE_CHARS);
      for (int i = 0; i < REQUESTS; i++) {
        app.request(
            "k" + i,
            AppFixture.request("r" + i, "mood", "text " + i)
                .setAttributes(Map.of("about", attribute)));
      }
      app.flush();
      try {
        quota(admin, BYTES_PER_SECOND);
        app.start(Optional.of(new TestPredictor()));
        app.awaitAnswers(REQUESTS, AppFixture.PATIENCE.multipliedBy(3));
        assertThat(longestThrottleMillis()).isGreaterThan(1_000);
        assertThat(app.count("hyperstream.thread.failures")).isZero();
      } finally {
        quota(admin, null);
      }
      app.stop();
      app.readOutputs();
      assertThat(app.deadLetterRecords()).isEmpty();
      assertThat(app.predictions())
          .hasSize(REQUESTS)
          .extracting(Prediction::getRequestId)
          .doesNotHaveDuplicates();
    }
  }

  /** The longest that a broker has held up a producer of the application, in this process. */
  private static double longestThrottleMillis() throws Exception {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    double longest = 0;
    for (ObjectName name :
        beans.queryNames(
            new ObjectName("kafka.producer:type=producer-metrics,client-id=throttled*"), null)) {
      longest = Math.max(longest, (double) beans.getAttribute(name, "produce-throttle-time-max"));
    }
    return longest;
  }

  /**
   * Of every client.
   *
   * @param bytesPerSecond null: none
   */
  private static void quota(Admin admin, Double bytesPerSecond) throws Exception {
    ClientQuotaEntity everyone =
        new ClientQuotaEntity(Collections.singletonMap(ClientQuotaEntity.CLIENT_ID, null));
    admin
        .alterClientQuotas(
            List.of(
                new ClientQuotaAlteration(
                    everyone,
                    List.of(new ClientQuotaAlteration.Op("producer_byte_rate", bytesPerSecond)))))
        .all()
        .get(1, TimeUnit.MINUTES);
  }
}
