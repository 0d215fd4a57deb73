#!/usr/bin/env bash
# Runs the kill test several times in a row, each time with the next seed, and prints one line per
# run. Exits non-zero if any run loses, repeats, reorders or garbles a request, loses or repeats an
# example, skips or repeats a version, or does not serve the last one.
#
#   infra/faults/kill-repeat.sh [RUNS] [--kills N] [--requests N] [--seed N]
#                               [--protocol auto|streams|classic] [--model NAME]
#
# RUNS is 10 by default, with 6 kills each. A run takes two to three minutes on two quiet cores.
# With --model starter-t5-mini a kill may come while an embedding is tuned.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

runs=10 seed=1 options=(-Dhyperstream.faults.kills=6)
if [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then runs=$1; shift; fi
while (($#)); do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --seed) seed=$2 ;;
    --kills | --requests | --protocol | --model) options+=("-Dhyperstream.faults.${1#--}=$2") ;;
    *) usage ;;
  esac
  shift 2
done

table=stream-app/target/faults/kills.tsv
mkdir -p "$(dirname "$table")"
all=$(mktemp)
trap 'rm -f "$all"' EXIT
status=0
while ((runs > 0)); do
  now=$((runs < 10 ? runs : 10)) # one JVM each: the build stops a test JVM that takes too long
  rm -f "$table"
  mvn -ntp -q -pl stream-app -am verify \
    -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false \
    -Dit.test=KillIT -Dfailsafe.failIfNoSpecifiedTests=false \
    "-Dhyperstream.faults.runs=$now" "-Dhyperstream.faults.seed=$seed" "${options[@]}" || status=1
  if [[ -f $table ]]; then
    [[ -s $all ]] && sed -i 1d "$table" # headings once
    cat "$table" >>"$all"
  fi
  runs=$((runs - now)) seed=$((seed + now))
done
column -t -s "$(printf '\t')" "$all"
exit $status
