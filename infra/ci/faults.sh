#!/usr/bin/env bash
# One fault of each kind on containers, then requests and answers are reconciled. Needs an engine
# with the images that infra/ci/engine.sh builds:
#
#   infra/ci/engine.sh infra/ci/faults.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The engine's containers are reached through this machine's ports, and are removed with the engine.
export TESTCONTAINERS_HOST_OVERRIDE=localhost TESTCONTAINERS_RYUK_DISABLED=true
infra/faults/containers.sh --kafka-image local/kafka --registry-image local/registry
python3 infra/ci/check-faults.py stream-app/target/faults/containers.json
