"""Many clients at once for bench/scenario.ts: `scenario_crowd.py URL CLIENTS HERTZ SECONDS`.

Each is a stock client whose action runs; their updates are spread evenly over time. Prints a line when all have begun,
and at the end a line of JSON: microseconds of every update.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "test", "support"))
from scenario_client import Remote, word  # noqa: E402

url, clients, hertz, seconds = sys.argv[1], *map(float, sys.argv[2:5])
crowd = [Remote(url, "probe.wait") for _ in range(int(clients))]
for remote in crowd:
    for body in (remote.init(), remote.setup(), remote.execute()):
        assert word(body) == "ok", word(body)
print("begun", flush=True)

took = []
begun = time.perf_counter()
for nth in range(int(clients * hertz * seconds)):
    due = begun + nth / (clients * hertz)
    time.sleep(max(0, due - time.perf_counter()))
    asked = time.perf_counter()
    assert word(crowd[nth % len(crowd)].update()) == "running"
    took.append(round((time.perf_counter() - asked) * 1e6))
late = sum(remote.beats["late"] for remote in crowd)
print(json.dumps({"took_us": took, "late_beats": late}), flush=True)
os._exit(0)
