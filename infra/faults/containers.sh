#!/usr/bin/env bash
# The fault suite on containers: three brokers, a registry and up to three replicas under load.
#
#   docker build -f infra/docker/Dockerfile -t hyperstream .
#   infra/faults/containers.sh [--rounds N] [--only REGEX] [--rate N] [--seed N] [--model NAME]
#                              [--image NAME] [--kafka-image NAME] [--registry-image NAME]
#
# A round injects one fault of each kind, or of those whose name REGEX matches, and takes a
# quarter of an hour on two busy cores. Several rounds are a soak. Needs Docker; the images are hyperstream,
# apache/kafka:4.3.1 and apicurio/apicurio-registry:3.0.9 unless told otherwise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

options=()
while (($#)); do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --rounds | --only | --rate | --seed | --model) options+=("-Dhyperstream.faults.${1#--}=$2") ;;
    --image) options+=("-Dhyperstream.image=$2") ;;
    --kafka-image) options+=("-Dkafka.image=$2") ;;
    --registry-image) options+=("-Dregistry.image=$2") ;;
    *) usage ;;
  esac
  shift 2
done

rm -f stream-app/target/faults/containers.{json,md}
status=0
mvn -ntp -q verify -Pcontainers -pl stream-app -am \
  -Dfailsafe.failIfNoSpecifiedTests=false "${options[@]}" || status=1
cat stream-app/target/faults/containers.md
exit $status
