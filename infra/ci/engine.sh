#!/usr/bin/env bash
# Runs checks on a container engine of their own, on a bare Debian machine, without any image
# registry, and leaves nothing behind:
#
#   infra/ci/engine.sh CHECK...          CHECK: infra/ci/image.sh, infra/ci/faults.sh
#
# Needs root and a built application (mvn package). Each check finds the engine through DOCKER_HOST
# and these images, built here once: hyperstream (infra/docker/Dockerfile), local/kafka and
# local/registry, which understand what apache/kafka and apicurio/apicurio-registry understand.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
(($#)) || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "infra/ci/engine.sh: needs root, for an engine of its own" >&2; exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
docker() { /usr/bin/docker "$@"; }
cleanup() {
  if [ -n "${started:-}" ]; then
    docker ps -aq | xargs -r /usr/bin/docker rm -fv >/dev/null 2>&1 || true
    docker network prune -f >/dev/null 2>&1 || true
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

echo "broker and registry"
# Out of what the application brings along for its embedded mode.
docker build -q -t local/kafka -f - "$root/infra/ci/kafka" >/dev/null <<'DOCKERFILE'
FROM hyperstream
USER 0:0
HEALTHCHECK NONE
COPY run logback.xml /etc/kafka/docker/
ENTRYPOINT []
CMD ["/etc/kafka/docker/run"]
EXPOSE 9092
DOCKERFILE
docker build -q -t local/registry -f - "$root/stream-app/target/registry" >/dev/null <<'DOCKERFILE'
FROM hyperstream
USER 0:0
HEALTHCHECK NONE
COPY . /opt/registry
ENV QUARKUS_HTTP_HOST=0.0.0.0
WORKDIR /opt/registry
ENTRYPOINT ["bash", "-c", "exec /opt/jre/bin/java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar apicurio-registry-app-*-runner.jar"]
CMD []
DOCKERFILE

for check in "$@"; do
  echo "--- $check"
  "$check"
  left=$(docker ps -aq)
  [ -z "$left" ] || { echo "$check left containers behind:" >&2; docker ps -a >&2; exit 1; }
done
