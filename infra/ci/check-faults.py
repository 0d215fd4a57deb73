"""check-faults.py FILE: fails unless one of each fault was injected and all was answered once."""
import json
import sys

FAULTS = {"replica killed", "broker killed", "broker frozen", "registry killed", "network cut", "poison burst",
          "slow consumer", "rolling restart", "scale 2 to 1", "scale 1 to 3", "disk full", "scale 3 to 1"}

with open(sys.argv[1], encoding="utf-8") as f:
    run = json.load(f)

problems = []
missing = FAULTS - {row["fault"] for row in run["faults"]}
if missing:
    problems.append(f"not injected: {sorted(missing)}")
for row in run["faults"]:
    if row["lost"] or row["doubled"] or not row["requests"] or not 0 <= float(row["recoverySeconds"]) < 180:
        problems.append(f"not recovered: {row}")
result = run["result"]
for key in ("lost", "doubled", "unexpected", "outOfOrder", "wrong"):
    if result.get(key) != 0:
        problems.append(f"{key}: {result.get(key)}")
if result and result["requests"] != result["predictions"] + result["deadLetters"]:
    problems.append("requests != predictions + deadLetters")
if not result.get("examplesAsExpected") or not result.get("versions"):
    problems.append("adaptation lost examples or published no version")
if problems:
    sys.exit("\n".join(problems))
print(f"{len(run['faults'])} faults, {result['requests']} requests, each answered once; longest recovery "
      f"{max(row['recoverySeconds'] for row in run['faults']):.1f} s")
