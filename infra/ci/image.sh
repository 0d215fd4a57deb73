#!/usr/bin/env bash
# Sees the image for the CPU work: the application as a container that may write nothing and has no
# rights, beside a broker and a registry in containers of their own. Needs an engine with the images
# that infra/ci/engine.sh builds:
#
#   infra/ci/engine.sh infra/ci/image.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

docker() { /usr/bin/docker "$@"; }
cleanup() {
  status=$?
  [ $status = 0 ] || docker logs app 2>&1 | tail -30 || true
  docker rm -fv app kafka registry >/dev/null 2>&1 || true
  docker network rm cluster >/dev/null 2>&1 || true
}
trap cleanup EXIT

echo "cluster"
docker network create cluster >/dev/null
docker run -d --name kafka --network cluster \
  -e KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka:9092 local/kafka >/dev/null
docker run -d --name registry --network cluster \
  -e APICURIO_DATASOURCE_URL=jdbc:h2:mem:registry local/registry >/dev/null
docker run -d --name app --network cluster --memory 1500m --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges -e HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS=kafka:9092 \
  -e HYPERSTREAM_REGISTRY_URL=http://registry:8080/apis/ccompat/v7 \
  -e HYPERSTREAM_HTTP_ACCESS=closed hyperstream >/dev/null

alive() { [ "$(docker inspect app --format '{{.State.Running}}')" = true ]; }
healthy() { [ "$(docker inspect app --format '{{.State.Health.Status}}')" = healthy ]; }
answers() { [ "$(docker exec app hyperstream consume --json | wc -l)" = "$1" ]; }
refusals() { [ "$(docker exec app hyperstream dead-letters list --json | wc -l)" = "$1" ]; }

eventually "the application healthy" healthy
[ "$(docker exec app id -u)" = 10001 ]
! docker exec app touch /written 2>/dev/null || { echo "the root file system can be written" >&2; exit 1; }
docker exec -i app hyperstream tasks create -f - <<'YAML'
{taskId: product-review, labels: [positive, negative]}
YAML
for i in $(seq 100); do echo "screen number $i is bright"; done \
  | docker exec -i app hyperstream produce --task product-review
echo "who knows this task" | docker exec -i app hyperstream produce --any-task --task nobody
eventually "an answer to each of 100 requests" answers 100
eventually "one dead letter" refusals 1
memory=$(docker exec app sed -n 's/^VmHWM:[[:space:]]*//p' /proc/1/status)

docker stop -t 60 app >/dev/null
status=$(docker inspect app --format '{{.State.ExitCode}}')
[ "$status" = 143 ] || [ "$status" = 0 ] || { echo "stopped with status $status" >&2; exit 1; }
echo "100 requests answered, 1 refused, $memory at most, stopped with status $status"
