#!/usr/bin/env bash
# The rows of the table "Engine" and of "Against ONNX Runtime" in docs/benchmarks.md that have a
# command, one JSON file per command, on a quiet machine.
#
#   infra/bench/engine.sh [OUT]            default: bench-results
#
# THREADS   threads of the rows that are not of one          default: one per processor
# DATA      folder of task folders (labels, texts)           default: the few-shot examples of the tests
# MORE      1: T5's other rows too (32 x 64, starter, adapters, labels, training), ten minutes more
# LABELS    with MORE, label sets, each DIR or DIR,DIR,..    default: none (made-up ones are measured)
#
# Takes about twelve minutes on two processors. The rows against ONNX Runtime need a build with -Pbench,
# those in bfloat16 a processor that has it; what is left out is said. Exits with 5 if any row was not
# measured cleanly (the commands say which and why); the files are written either way.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=${1:-bench-results}
mkdir -p "$out"
jar=stream-app/target/hyperstream.jar
[ -f "$jar" ] || { echo "no $jar: run mvn -DskipTests package first" >&2; exit 1; }
threads=${THREADS:-$(nproc)}
data=${DATA:-stream-app/src/test/resources/few-shot}
bge=(--model bge-small)
against=(engine --against onnxruntime)
status=0

bench() { # NAME ARGUMENTS..
  local name=$1
  shift
  echo "== $name: bench $*" >&2
  timeout 300 java -Dai.djl.offline=true -jar "$jar" bench "$@" --json "$out/$name.json" |
    tee "$out/$name.txt"
  local rc=${PIPESTATUS[0]}
  [ "$rc" -eq 0 ] || { echo "== $name: exit code $rc" >&2; status=$rc; }
}

bench gemm gemm --threads 1 --rounds 5
bench bge-64x128 engine "${bge[@]}" --batch 64 --seq 128 --threads 1 --rounds 5
bench bge-adapters-32x128 adapters "${bge[@]}" --batch 32 --seq 128 --registered 500 --threads 1 --rounds 3
bench bge-adapters-32x18 adapters "${bge[@]}" --batch 32 --seq 18 --registered 500 --threads 1 --rounds 7
bench t5-32x128 engine --batch 32 --seq 128 --threads 1 --rounds 5
bench texts texts --data "$data" --texts 512 --threads "$threads" --rounds 3

if compgen -G "stream-app/target/bench/onnx-bench-*.jar" > /dev/null; then
  bench onnx-1 "${against[@]}" --threads 1
  bench onnx-64x128 "${against[@]}" --rows 64 --length 128 --threads 1 --rounds 5
  bench onnx "${against[@]}" --threads "$threads"
  if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
    bench onnx-bf16-1 "${against[@]}" --precision bf16 --threads 1
    bench onnx-bf16 "${against[@]}" --precision bf16 --threads "$threads"
  else
    echo "== left out: bfloat16, which this processor has no instructions for" >&2
  fi
else
  echo "== left out: ONNX Runtime; mvn -ntp -q -DskipTests -Pbench package builds it" >&2
fi

if [ "${MORE:-0}" = 1 ]; then
  bench t5-32x64 engine --batch 32 --seq 64 --tasks 4 --threads "$threads" --rounds 7
  bench starter engine --model starter-t5-mini --batch 64 --seq 40 --tasks 8 --threads "$threads" --rounds 15
  bench t5-adapters adapters --batch 32 --seq 64 --threads "$threads" --rounds 7
  bench t5-labels labels --batch 32 --seq 64 --labels 64,150 --threads "$threads" --rounds 3
  sets=()
  for set in ${LABELS:-}; do sets+=(--data "$set"); done
  if [ ${#sets[@]} -gt 0 ]; then
    bench starter-labels labels --model starter-t5-mini --batch 32 --seq 32 --threads "$threads" \
      --rounds 5 --texts 256 "${sets[@]}"
  fi
  bench train train --batch 16 --seq 64 --threads "$threads" --rounds 3
fi
exit "$status"
