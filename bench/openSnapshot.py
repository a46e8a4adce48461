"""Opens a Delta table from a local folder with deltalake, over and over: prints one JSON line with milliseconds and bytes."""
import json
import resource
import statistics
import sys
import time

from deltalake import DeltaTable

uri, runs = sys.argv[1], int(sys.argv[2])
times = []
peak = 0
for _ in range(runs):
    started = time.perf_counter()
    files = DeltaTable(uri).get_add_actions().num_rows
    times.append((time.perf_counter() - started) * 1000)
    peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"files": files, "milliseconds": statistics.median(times), "peakBytes": peak}))
