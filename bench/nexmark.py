"""The Nexmark queries, each from its own file: events per second, memory, and what checkpoints and mini-batch cost.

A rate per core is events divided by the CPU time of all threads; the rate of all cores is events divided by wall
time at as many workers as there are cores. Windowed figures hold for RATE events per second of event time only.
"""
import os
import re
import resource
import statistics
import subprocess
import time

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nexmark")
EVENTS = 5_000_000
RATE = 10_000
RUNS = 3
QUERIES = range(24)

# Events per second and core that a query must reach, in millions, where a floor is set.
FLOORS = {0: 6, 1: 6, 2: 6, 3: 2.5, 4: 2.5, 9: 2.5, 14: 6, 15: 1, 16: 1, 17: 4, 18: 2.5, 19: 2.5, 20: 2.5}

MINI_BATCH = ["-D", "table.exec.mini-batch.enabled=true", "-D",
              "table.exec.mini-batch.allow-latency=2 s", "-D", "table.exec.mini-batch.size=50000"]


class Missing(Exception):
    """The engine lacks what a query needs."""


class Run:
    def __init__(self, weir, folder, tables, query, *arguments):
        path = os.path.join(FOLDER, f"q{query}.sql")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(["/usr/bin/time", "-f", "peak %M KB", weir, "-q", "-i", tables,
                               *arguments, "--fresh", "-f", path],
                              capture_output=True, text=True, cwd=folder, check=False)
        self.wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if "not supported yet" in done.stderr:
            raise Missing(done.stderr.splitlines()[0])
        if done.returncode != 0:
            raise RuntimeError(f"q{query} failed:\n{done.stderr}")
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.peak_mb = int(re.search(r"peak (\d+) KB", done.stderr)[1]) / 1024


def write_tables(folder):
    with open(os.path.join(FOLDER, "tables.sql"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"'events.num' = '\d+'", f"'events.num' = '{EVENTS}'", text)
    text = re.sub(r"-event.rate' = '\d+'", f"-event.rate' = '{RATE}'", text)
    path = os.path.join(folder, "tables.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(folder, "side_input.csv"), "w", encoding="utf-8") as file:
        file.writelines(f"{i},{i}\n" for i in range(10000))
    return path


def bench_query(weir, folder, tables, query):
    checkpoints = ["-D", "execution.checkpointing.dir=" + os.path.join(folder, "checkpoints"),
                   "-D", "execution.checkpointing.interval=1 s"]
    ways = {"plain": [], "cores": ["-D", f"parallelism.default={os.cpu_count()}"],
            "checkpoints": checkpoints, "mini-batch": MINI_BATCH}
    runs = {way: [] for way in ways}
    for _ in range(RUNS):
        for way, arguments in ways.items():
            runs[way].append(Run(weir, folder, tables, query, *arguments))
    cpu = {way: statistics.median(run.cpu for run in of) for way, of in runs.items()}
    wall = {way: statistics.median(run.wall for run in of) for way, of in runs.items()}
    peak = statistics.median(run.peak_mb for run in runs["plain"])
    rate = EVENTS / cpu["plain"] / 1e6
    floor = FLOORS.get(query)
    print(f"q{query:<3} {rate:8.2f} {EVENTS / wall['plain'] / 1e6:8.2f} {EVENTS / wall['cores'] / 1e6:8.2f}"
          f" {wall['plain'] / wall['cores']:6.2f} {peak:8.0f} {wall['plain'] / wall['checkpoints']:9.2f}"
          f" {wall['plain'] / wall['mini-batch']:8.2f}   " + ("" if floor is None else f"floor {floor}"),
          flush=True)


def bench_nexmark(bench):
    """All queries; see the head of bench/nexmark.py."""
    tables = write_tables(bench.folder)
    print(f"  $ weir -q -i bench/nexmark/tables.sql -f bench/nexmark/qN.sql   ({EVENTS:,} events, {RATE:,} a second of"
          " event time)")
    print("M events/s: per core, wall, wall on all cores, and that over one; peak MB; share of the speed left with\n"
          "checkpoints every second, and with mini-batch")
    print("q      core     wall      all  ratio     peak  checkpts  minibatch")
    for query in QUERIES:
        try:
            bench_query(bench.weir, bench.folder, tables, query)
        except Missing as missing:
            print(f"q{query:<3} missing: {missing}", flush=True)
