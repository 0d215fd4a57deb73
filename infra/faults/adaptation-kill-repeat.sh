#!/usr/bin/env bash
# Runs the kill test of adaptation several times in a row, each time with the next seed, and prints
# one line per run. Exits non-zero if any run loses or repeats an example, skips or repeats a
# version, or does not serve the last one.
#
#   infra/faults/adaptation-kill-repeat.sh [RUNS] [--kills N] [--seed N]
#                                          [--protocol auto|streams|classic] [--model NAME]
#
# RUNS is 5 by default. A run takes one to two minutes on two quiet cores. With --model
# starter-t5-mini a kill may come while an embedding is tuned.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

runs=5 seed=1 options=()
if [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then runs=$1; shift; fi
while (($#)); do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --seed) seed=$2 ;;
    --kills) options+=("-Dhyperstream.faults.adaptation.kills=$2") ;;
    --protocol | --model) options+=("-Dhyperstream.faults.${1#--}=$2") ;;
    *) usage ;;
  esac
  shift 2
done

table=stream-app/target/faults/adaptation-kills.tsv
status=0
mvn -ntp -q -pl stream-app -am verify \
  -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false \
  -Dit.test=AdaptationKillIT -Dfailsafe.failIfNoSpecifiedTests=false \
  "-Dhyperstream.faults.runs=$runs" "-Dhyperstream.faults.seed=$seed" "${options[@]}" || status=1
if [[ -f $table ]]; then column -t -s "$(printf '\t')" "$table"; fi
exit $status
