#!/usr/bin/env bash
# Every row of docs/benchmarks.md that is about the pipeline, in about eight minutes:
#
#   infra/bench/pipeline.sh [OUT]       OUT: a folder for the rows, default target/bench-pipeline
#
# Leave the machine alone meanwhile: broker, clients and application share it. Needs a built project
# (mvn -DskipTests package) and nothing else. JAVA chooses the virtual machine, SOAK how long memory
# is watched (default 90s; 20m and more tell more).
set -uo pipefail
cd "$(dirname "$0")/../.."
out=$(mkdir -p "${1:-target/bench-pipeline}" && cd "${1:-target/bench-pipeline}" && pwd)
jar=stream-app/target/hyperstream.jar
[ -f "$jar" ] || { echo "no $jar; run mvn -DskipTests package first" >&2; exit 1; }
failed=()

bench() { # NAME OPTIONS...: its rows go to OUT/NAME.json, its table to the terminal and OUT/NAME.txt
  local name=$1
  shift
  echo "== $name: hyperstream bench pipeline $*"
  "${JAVA:-java}" -jar "$jar" bench pipeline "$@" --json "$out/$name.json" |
    tee "$out/$name.txt"
  [ "${PIPESTATUS[0]}" = 0 ] || failed+=("$name")
}

# Throughput against the engine, exactly-once against at-least-once, latency, versions, memory.
bench reference --soak "${SOAK:-90s}"
# The model on as many threads as this machine has processors, so that broker and model share them.
bench all-threads --threads "$(nproc)" --rounds 3 --swaps 0
# A shorter commit interval: readers of committed records see answers sooner.
bench commit --against hyperstream.streams.commit-interval=50ms --rounds 3 --swaps 0
# A task taught while it answers: from its last label to the first answer by what it learnt.
echo "== demo"
"${JAVA:-java}" -jar "$jar" demo --json "$out/demo.json" || failed+=(demo)

echo "Rows are in $out."
if [ ${#failed[@]} -gt 0 ]; then
  echo "Not measured cleanly: ${failed[*]}; see above." >&2
  exit 1
fi
