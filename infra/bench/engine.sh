#!/usr/bin/env bash
# All rows of the engine part of docs/benchmarks.md, one JSON file per command, on a quiet machine.
#
#   infra/bench/engine.sh [OUT]            default: bench-results
#
# THREADS   threads of one operation                 default: one per processor
# DATA      folder of task folders (labels, texts)   default: the few-shot examples of the tests
# LABELS    label sets, each DIR or DIR,DIR,..       default: none (made-up ones are always measured)
#
# Takes about eight minutes on two processors. Exits with 5 if any row was not measured cleanly (the
# commands say which and why); the files are written either way.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=${1:-bench-results}
mkdir -p "$out"
jar=stream-app/target/hyperstream.jar
[ -f "$jar" ] || { echo "no $jar: run mvn -DskipTests package first" >&2; exit 1; }
threads=${THREADS:-$(nproc)}
data=${DATA:-stream-app/src/test/resources/few-shot}
status=0

bench() { # NAME ARGUMENTS..
  local name=$1
  shift
  echo "== $name: bench $*" >&2
  timeout 300 java -Dai.djl.offline=true -jar "$jar" bench "$@" --threads "$threads" \
    --json "$out/$name.json" | tee "$out/$name.txt"
  local rc=${PIPESTATUS[0]}
  [ "$rc" -eq 0 ] || { echo "== $name: exit code $rc" >&2; status=$rc; }
}

bench gemm gemm --rounds 5
bench engine-32x128 engine --batch 32 --seq 128 --tasks 4 --rounds 7
bench engine-32x64 engine --batch 32 --seq 64 --tasks 4 --rounds 7
bench engine-starter engine --model starter-t5-mini --batch 64 --seq 40 --tasks 8 --rounds 15
bench adapters adapters --batch 32 --seq 64 --rounds 7
bench labels labels --batch 32 --seq 64 --labels 64,150 --rounds 3
sets=()
for set in ${LABELS:-}; do sets+=(--data "$set"); done
if [ ${#sets[@]} -gt 0 ]; then
  bench labels-starter labels --model starter-t5-mini --batch 32 --seq 32 --rounds 5 \
    --texts 256 "${sets[@]}"
fi
bench texts texts --data "$data" --texts 2048 --rounds 3
bench train train --batch 16 --seq 64 --rounds 3
exit "$status"
