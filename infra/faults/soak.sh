#!/usr/bin/env bash
# The application under full load for long, learning all the while, with a model so small that the
# machinery around it has most of the work. Exits non-zero unless each request is answered once and
# memory, file handles, threads and consumer lag are as flat as they should be; says so with numbers.
#
#   infra/faults/soak.sh [RECORDS] [--model NAME]
#
# RECORDS is 1000000 by default, which take a quarter of an hour to an hour on two cores; --model
# takes one that comes with the application instead, such as bge-small, for a tenth of the records
# or fewer. Needs Linux and a built application (mvn -DskipTests package).
# Samples: stream-app/target/faults/soak.tsv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

records=1000000 options=() model=
if [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then records=$1; shift; fi
while (($#)); do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --model) model=$2 options+=("-Dhyperstream.faults.model=$2") ;;
    *) usage ;;
  esac
  shift 2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$model" ]; then
  echo "a tiny model, of random weights"
  cat >"$work/shape.json" <<'JSON'
{"model_type": "t5", "vocab_size": 8192, "d_model": 16, "d_kv": 4, "d_ff": 32,
 "num_heads": 4, "num_layers": 1, "n_positions": 64}
JSON
  tasks=stream-app/src/test/resources/few-shot
  export HYPERSTREAM_MODEL_DIR=$work/models
  hyperstream() { java -jar stream-app/target/hyperstream.jar "$@"; }
  hyperstream train --data "$tasks/rooms,$tasks/stars" --tasks rooms,stars --preset hyperformer++ \
    --init random --config "$work/shape.json" --reduction-factor 4 --steps 1 --output "$work/run" >"$work/log" 2>&1 \
    && hyperstream model import "$work/run/model" --name tiny >>"$work/log" 2>&1 \
    || { cat "$work/log" >&2; exit 1; }
  options+=("-Dhyperstream.faults.soak.model.name=tiny" "-Dhyperstream.faults.soak.model.dir=$work/models")
fi
mvn -ntp -q verify -Psoak -pl stream-app -am \
  "-Dhyperstream.faults.soak.records=$records" "${options[@]}"
