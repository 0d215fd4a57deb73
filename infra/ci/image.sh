#!/usr/bin/env bash
# Builds the image for the CPU on a bare Debian machine, without any image registry, and sees it
# work: the application as a container that may write nothing and has no rights, beside a broker and
# a registry in containers of their own. Needs root and a built application; leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "infra/ci/image.sh: needs root, for an engine of its own" >&2; exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
cleanup() {
  status=$?
  if [ -n "${started:-}" ]; then
    [ $status = 0 ] || docker logs app 2>&1 | tail -30 || true
    docker ps -aq | xargs -r /usr/bin/docker rm -f >/dev/null 2>&1 || true
    docker network rm cluster >/dev/null 2>&1 || true
    kill "$(cat "$work/dockerd.pid")" 2>/dev/null || true
    wait "$started" 2>/dev/null || true
    [ -n "$bridge" ] || ip link delete docker0 2>/dev/null || true
  fi
  umount "$work"/data/*/* 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

missing=()
[ -x /usr/sbin/dockerd ] || missing+=(docker.io)
[ -x /usr/sbin/debootstrap ] || missing+=(debootstrap)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  # Installed, but not started as a service of the machine.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
  [ -z "${made:-}" ] || rm $policy
fi

echo "engine"
# Another engine's bridge is shared with it, and stays.
bridge=$(ls -d /sys/class/net/docker0 2>/dev/null || true)
export DOCKER_HOST=unix://$work/docker.sock DOCKER_BUILDKIT=1
docker() { /usr/bin/docker "$@"; }
/usr/sbin/dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
  -H "$DOCKER_HOST" --bip 172.17.0.1/16 >"$work/dockerd.log" 2>&1 &
started=$!
for _ in $(seq 150); do docker version >/dev/null 2>&1 && break; sleep 0.2; done
docker version >/dev/null || { tail -20 "$work/dockerd.log"; exit 1; }

echo "base images"
debootstrap --variant=minbase bookworm "$work/rootfs" http://deb.debian.org/debian >"$work/debootstrap.log" \
  || { tail -20 "$work/debootstrap.log"; exit 1; }
rm -rf "$work"/rootfs/var/cache/apt/archives/*.deb "$work"/rootfs/usr/share/{doc,man,locale}
tar -C "$work/rootfs" -c . | docker import -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin' - local/debian >/dev/null
rm -rf "$work/rootfs"
# The JDK that built the application; Debian's is full of links to /etc, some of them to nowhere.
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
cp -aL "$jdk" "$work/jdk" 2>/dev/null || [ -x "$work/jdk/bin/jlink" ]
docker build -q -t local/jdk -f - "$work/jdk" >/dev/null <<'DOCKERFILE'
FROM local/debian
COPY . /opt/java/openjdk
ENV PATH=/opt/java/openjdk/bin:/usr/local/bin:/usr/bin:/bin
DOCKERFILE
rm -rf "$work/jdk"
compress=zip-6
[ "$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release")" -ge 21 ] || compress=2

echo "image"
docker build -q -f "$root/infra/docker/Dockerfile" -t hyperstream "$root" --build-arg APP=built \
  --build-arg BASE_IMAGE=local/debian --build-arg JDK_IMAGE=local/jdk --build-arg COMPRESS=$compress >/dev/null
docker image inspect hyperstream --format '{{.Size}} bytes, user {{.Config.User}}'

echo "cluster"
mkdir "$work/cluster"
cp -r "$root/stream-app/target/registry" "$work/cluster/"
cat >"$work/cluster/server.properties" <<'PROPERTIES'
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://kafka:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.dirs=/var/lib/hyperstream/kafka
PROPERTIES
cat >"$work/cluster/logback.xml" <<'XML'
<configuration><root level="OFF"/></configuration>
XML
chmod -R a+rX "$work/cluster"
docker network create cluster >/dev/null
# Broker and registry out of what the application brings along; with real images at hand, see compose.yaml.
beside() {
  docker run -d --name "$1" --network cluster --no-healthcheck -v "$work/cluster:/cluster:ro" \
    --entrypoint bash hyperstream -c "$2" >/dev/null
}
beside kafka 'set -f
  kafka="/opt/jre/bin/java -Xmx256m -XX:+UseSerialGC -Dlogback.configurationFile=/cluster/logback.xml -cp /opt/hyperstream/lib/*"
  $kafka kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c /cluster/server.properties
  exec $kafka kafka.Kafka /cluster/server.properties'
beside registry 'cd /cluster/registry
  exec /opt/jre/bin/java -Xmx384m -XX:+UseSerialGC -Dquarkus.http.host=0.0.0.0 \
    -Dapicurio.datasource.url=jdbc:h2:mem:registry -jar apicurio-registry-app-*-runner.jar'
docker run -d --name app --network cluster --memory 1500m --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges -e HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS=kafka:9092 \
  -e HYPERSTREAM_REGISTRY_URL=http://registry:8080/apis/ccompat/v7 \
  -e HYPERSTREAM_HTTP_ACCESS=closed hyperstream >/dev/null

# eventually WHAT COMMAND...
eventually() {
  what=$1
  shift
  for _ in $(seq 300); do
    "$@" && return
    [ "$(docker inspect app --format '{{.State.Running}}')" = true ] || break
    sleep 1
  done
  echo "not seen: $what" >&2
  return 1
}
healthy() { [ "$(docker inspect app --format '{{.State.Health.Status}}')" = healthy ]; }
answers() { [ "$(docker exec app hyperstream consume --json | wc -l)" = "$1" ]; }
refusals() { [ "$(docker exec app hyperstream dead-letters list --json | wc -l)" = "$1" ]; }

eventually "the application healthy" healthy
[ "$(docker exec app id -u)" = 10001 ]
! docker exec app touch /written 2>/dev/null || { echo "the root file system can be written" >&2; exit 1; }
docker exec app hyperstream tasks create --from-model pros_cons
for i in $(seq 100); do echo "screen number $i is bright"; done \
  | docker exec -i app hyperstream produce --task pros_cons
echo "who knows this task" | docker exec -i app hyperstream produce --task nobody
eventually "an answer to each of 100 requests" answers 100
eventually "one dead letter" refusals 1

docker stop -t 60 app >/dev/null
status=$(docker inspect app --format '{{.State.ExitCode}}')
[ "$status" = 143 ] || [ "$status" = 0 ] || { echo "stopped with status $status" >&2; exit 1; }
echo "100 requests answered, 1 refused, stopped with status $status"
