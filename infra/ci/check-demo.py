"""check-demo.py FILE: fails unless the demo's JSON summary adds up."""
import json
import sys

KEYS = {"requests", "predictions", "deadLetters", "lost", "duplicated", "tasks",
        "throughputPerSecond", "latencyMillis", "adaptation", "startMillis", "wallMillis"}
ADAPTATION_KEYS = {"taskId", "examples", "before", "after", "secondsToServe", "updateBytes", "versions"}
LEARNT_AT_LEAST = 0.25  # accuracy gained by 32 labels; measured: 0.62

with open(sys.argv[1], encoding="utf-8") as f:
    s = json.load(f)

problems = []
if not KEYS <= s.keys():
    problems.append(f"missing keys: {sorted(KEYS - s.keys())}")
else:
    if s["requests"] != s["predictions"] + s["deadLetters"]:
        problems.append("requests != predictions + deadLetters")
    if s["requests"] < 200:
        problems.append(f"only {s['requests']} requests, expected several hundred")
    if s["lost"] or s["duplicated"]:
        problems.append(f"lost {s['lost']}, duplicated {s['duplicated']}")
    if len(s["tasks"]) < 6:
        problems.append(f"only {len(s['tasks'])} tasks, expected six or more")
    if not all(0 <= t["accuracy"] <= 1 and t["examples"] > 0 for t in s["tasks"]):
        problems.append("a task has no examples or an accuracy outside 0..1")
    n = sum(t["examples"] for t in s["tasks"])
    mean = sum(t["accuracy"] * t["examples"] for t in s["tasks"]) / max(1, n)
    if mean < 0.4:
        problems.append(f"accuracy over all examples {mean:.2f}: the model is not answering sensibly")
    if not 0 < s["latencyMillis"]["p50"] <= s["latencyMillis"]["p95"] <= s["latencyMillis"]["p99"]:
        problems.append(f"latencies are not ordered: {s['latencyMillis']}")
    a = s["adaptation"]
    if a.keys() != ADAPTATION_KEYS:
        problems.append(f"adaptation has the keys {sorted(a)}")
    elif a["versions"] < 1:
        problems.append("no version was promoted")
    else:
        if a["after"] < a["before"] + LEARNT_AT_LEAST:
            problems.append(f"taught from {a['before']:.2f} to {a['after']:.2f} only")
        if not 0 < a["updateBytes"] < 100_000:
            problems.append(f"an update of {a['updateBytes']} bytes")
        if not 0 < a["secondsToServe"] < 60:
            problems.append(f"{a['secondsToServe']} s from the last label to the new version")
    if s["wallMillis"] > 120_000:
        problems.append(f"took {s['wallMillis'] / 1000:.0f} s")
print(json.dumps(s, indent=1))
for p in problems:
    print("demo:", p, file=sys.stderr)
sys.exit(bool(problems))
