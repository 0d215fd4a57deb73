#!/usr/bin/env bash
# Brings up infra/docker/compose.yaml, traces too, and sees each part do its work. Needs an engine
# with the images that infra/ci/engine.sh builds, and root:
#
#   infra/ci/engine.sh infra/ci/compose.sh
#
# No image registry is asked: Prometheus is Debian's, what receives traces is a page of Java, and
# Grafana, which Debian does not have, is left out. `docker-compose` is Debian's too (1.29) if the
# engine has no `docker compose`; it does not know the key `name`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source infra/ci/functions.sh

docker() { /usr/bin/docker "$@"; }
work=$(mktemp -d)
if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
else
  [ -x /usr/bin/docker-compose ] \
    || DEBIAN_FRONTEND=noninteractive with_lists apt-get -qq install -y --no-install-recommends docker-compose >/dev/null
  compose=(/usr/bin/docker-compose)
fi
sed '/^name:/d' infra/docker/compose.yaml >"$work/compose.yaml"
compose+=(-f "$work/compose.yaml" -p hyperstream --project-directory infra/docker --profile traces)
export HYPERSTREAM_IMAGE=hyperstream KAFKA_IMAGE=local/kafka REGISTRY_IMAGE=local/registry
export PROMETHEUS_IMAGE=local/prometheus JAEGER_IMAGE=local/otlp HYPERSTREAM_TRACING_ENABLED=true
cleanup() {
  status=$?
  [ $status = 0 ] || "${compose[@]}" logs --tail 30 || true
  "${compose[@]}" down -v >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

echo "images"
mkdir "$work/prometheus"
unpack prometheus "$work/prometheus"
docker build -q -t local/prometheus -f - "$work/prometheus/usr" >/dev/null <<'DOCKERFILE'
FROM local/debian
COPY bin/prometheus /usr/bin/prometheus
ENTRYPOINT ["prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
DOCKERFILE
# Takes OTLP over HTTP (4318); its page is there (16686) once it has read each of these names.
cat >"$work/Otlp.java" <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.zip.GZIPInputStream;

class Otlp {
  public static void main(String[] names) throws Exception {
    Set<String> read = new ConcurrentSkipListSet<>();
    HttpServer traces = HttpServer.create(new InetSocketAddress(4318), 0);
    traces.createContext("/v1/traces", exchange -> {
      InputStream in = exchange.getRequestBody();
      boolean packed = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
      String body = new String((packed ? new GZIPInputStream(in) : in).readAllBytes(), StandardCharsets.ISO_8859_1);
      for (String name : names) {
        if (body.contains(name)) {
          read.add(name);
        }
      }
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    traces.start();
    HttpServer page = HttpServer.create(new InetSocketAddress(16686), 0);
    page.createContext("/", exchange -> {
      boolean all = read.size() == names.length;
      exchange.sendResponseHeaders(all ? 200 : 404, -1);
      exchange.close();
    });
    page.start();
  }
}
JAVA
docker build -q -t local/otlp -f - "$work" >/dev/null <<'DOCKERFILE'
FROM local/jdk
COPY Otlp.java /
ENTRYPOINT ["java", "/Otlp.java", "process inference.requests", "hyperstream.batch.rows"]
DOCKERFILE

get() { curl -sf --max-time 10 "http://localhost:$1"; }
ready() { get 8080/health/readiness >/dev/null; }
defined() { get 8080/api/tasks | grep >/dev/null product-review; }
up() { get "9090/api/v1/query?query=up" | grep >/dev/null '"job":"hyperstream".*"1"\]'; }
counted() { get "9090/api/v1/query?query=hyperstream_predictions_total" | grep >/dev/null '"value":\[[^]]*"[1-9]'; }
traced() { get 16686/; }

echo "up"
"${compose[@]}" up -d --no-build kafka registry app tasks prometheus jaeger >/dev/null 2>&1
eventually "the application ready" ready
eventually "the tasks" defined
answer=$(curl -sf --max-time 60 -H 'Content-Type: application/json' localhost:8080/api/predict \
  -d '{"taskIds":["product-review"],"text":"The screen is bright and the battery lasts for days."}')
grep >/dev/null '"label":"positive"' <<<"$answer" || { echo "not positive: $answer" >&2; exit 1; }
"${compose[@]}" exec -T app hyperstream produce --task product-review <<<"The screen is bright." >/dev/null
eventually "the application scraped by Prometheus" up
eventually "answers counted by Prometheus" counted
get 9090/api/v1/rules | grep >/dev/null '"type":"alerting"' || { echo "Prometheus has no alerts" >&2; exit 1; }
eventually "spans of a record and of a batch" traced
# `down` keeps the data: tasks and schemas are there after it.
"${compose[@]}" stop -t 60 >/dev/null 2>&1
"${compose[@]}" rm -f >/dev/null 2>&1
"${compose[@]}" up -d --no-build kafka registry app >/dev/null 2>&1
eventually "the application ready again" ready
eventually "the tasks again" defined
echo "compose: a text answered, scraped, traced; tasks are there after a restart"
