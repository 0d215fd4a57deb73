#!/usr/bin/env bash
# Runs on the GPU machine, from the folder that assemble.sh made: parity, then the benchmarks, on
# the GPU. Results in results/, one file per command, with hardware and date.
#
#   ./run.sh            parity and bench gemm, engine, adapters
#   ./run.sh COMMAND    any command of hyperstream, such as `./run.sh bench engine --help`
#
# HYPERSTREAM_GPU_FLAVOR=cpu with PYTORCH_LIBRARY_PATH at a CPU build rehearses it without a GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export PYTORCH_FLAVOR=${HYPERSTREAM_GPU_FLAVOR:-cu128}
export PYTORCH_LIBRARY_PATH=${PYTORCH_LIBRARY_PATH:-$PWD/site/torch/lib}
export DJL_CACHE_DIR=$PWD/cache/djl HYPERSTREAM_MODEL_DIR=$PWD/cache/models
[ -f "$PYTORCH_LIBRARY_PATH/libtorch_cpu.so" ] || {
  echo "no PyTorch in $PYTORCH_LIBRARY_PATH: put torch 2.7.1+cu128 there (assemble.sh says how), or" >&2
  echo "set PYTORCH_LIBRARY_PATH to the torch/lib of one that is installed" >&2
  exit 1
}
hyperstream() {
  jre/bin/java -XX:MaxRAMPercentage=50 --enable-native-access=ALL-UNNAMED ${JAVA_OPTS:-} -jar app/hyperstream.jar "$@"
}
if [ $# -gt 0 ]; then
  hyperstream "$@"
  exit
fi

sha256sum --quiet -c SHA256SUMS
mkdir -p results
{
  date -u +%FT%TZ
  uname -srm
  grep -m1 'model name' /proc/cpuinfo
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || echo "no nvidia-smi"
} | tee results/machine.txt

status=0
run() {
  echo "--- $*"
  hyperstream "$@" 2>&1 | tee "results/$1-$2.txt" || status=1
}
run model verify --fixtures fixtures
run bench gemm
run bench engine
if hyperstream bench --help | grep -q '^ *adapters'; then
  run bench adapters
fi
exit $status
