#!/usr/bin/env bash
# Checks Prometheus' configuration and alerts, their unit tests, and the dashboards' queries, with
# promtool: the one that is there, else Debian's, unpacked without being installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ci/functions.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

promtool=$(command -v promtool || true)
if [ -z "$promtool" ]; then
  unpack prometheus "$work"
  promtool=$work/usr/bin/promtool
fi

"$promtool" check config prometheus/prometheus.yml
"$promtool" test rules prometheus/alerts.test.yml

# Each query of a dashboard as a rule, with Grafana's variables filled in.
python3 - "$work/dashboards.yml" grafana/dashboards/*.json <<'PYTHON'
import json, sys
rules = []
for path in sys.argv[2:]:
    for panel in json.load(open(path))["panels"]:
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            rules.append({"record": f"r{len(rules)}", "expr": expr})
json.dump({"groups": [{"name": "dashboards", "rules": rules}]}, open(sys.argv[1], "w"))
PYTHON
"$promtool" check rules "$work/dashboards.yml"
