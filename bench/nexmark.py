"""The Nexmark queries, each from its own file: events per second, memory, state, and what checkpoints and mini-batch
cost.

A rate per core is events divided by the CPU time of all threads; the rate of all cores is events divided by wall
time at as many workers as there are cores. Windowed figures hold for RATE events per second of event time only.
Ways alternate; plain runs and those on all cores are medians of RUNS.
"""
import os
import re
import statistics
import subprocess

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nexmark")
EVENTS = 3_000_000
QUICK_EVENTS = 500_000
RATE = 10_000
RUNS = 3
QUERIES = range(24)

# Events per second and core that a query must reach, in millions, where a floor is set.
FLOORS = {0: 6, 1: 6, 2: 6, 3: 2.5, 4: 2.5, 9: 2.5, 14: 6, 15: 1, 16: 1, 17: 4, 18: 2.5, 19: 2.5, 20: 2.5}

CORES = os.cpu_count()
MINI_BATCH = ("SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.allow-latency' = '2 s'; "
              "SET 'table.exec.mini-batch.size' = '50000';")
CHECKPOINTS = ("SET 'execution.checkpointing.dir' = 'checkpoints'; "
               "SET 'execution.checkpointing.interval' = '1 s';")
WAYS = {
    "plain": "",
    "cores": f"SET 'parallelism.default' = '{CORES}';",
    "checkpoints": CHECKPOINTS,
    "mini-batch": MINI_BATCH,
}


class Missing(Exception):
    """The engine lacks what a query needs."""


class Run:
    """One run of a script to its job's end."""

    def __init__(self, bench, sql):
        subprocess.run(["rm", "-rf", os.path.join(bench.folder, "checkpoints")], check=True)
        link_library(bench)
        done = subprocess.run([os.path.join(bench.build, "bench", "bench_job"), "whole"], input=sql,
                              capture_output=True, text=True, cwd=bench.folder, check=False)
        if "not supported yet" in done.stderr:
            raise Missing(done.stderr.splitlines()[0])
        if done.returncode != 0:
            raise RuntimeError(f"failed:\n{sql}\n{done.stderr}")
        numbers = [float(number) for number in done.stdout.split()]
        self.cpu, self.wall, self.peak_mb, self.state, self.epochs, self.pause_ms = numbers


def tables(events):
    """The source and its views, for so many events."""
    with open(os.path.join(FOLDER, "tables.sql"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"'events.num' = '\d+'", f"'events.num' = '{events}'", text)
    return re.sub(r"-event.rate' = '\d+'", f"-event.rate' = '{RATE}'", text)


def query_text(query):
    with open(os.path.join(FOLDER, f"q{query}.sql"), encoding="utf-8") as file:
        return file.read()


def link_library(bench):
    """The library with q14's function, where its statement looks for it."""
    link = os.path.join(bench.folder, "count_char.so")
    if not os.path.lexists(link):
        os.symlink(os.path.join(bench.build, "examples", "functions", "count_char.so"), link)


def write_side_input(folder):
    """What q13 looks up."""
    with open(os.path.join(folder, "side_input.csv"), "w", encoding="utf-8") as file:
        file.writelines(f"{i},{i}\n" for i in range(10000))


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


def measure(bench, query, events, times):
    """The figures of one query; rates in million events per second."""
    text = tables(events) + query_text(query)
    runs = {way: [] for way in WAYS}
    for turn in range(times):
        for way, settings in WAYS.items():
            if turn == 0 or way in ("plain", "cores"):
                runs[way].append(Run(bench, settings + text))
    plain, wall = runs["plain"], {way: median(of, "wall") for way, of in runs.items()}
    return {
        "query": query,
        "core": events / median(plain, "cpu") / 1e6,
        "wall": events / wall["plain"] / 1e6,
        "all": events / wall["cores"] / 1e6,
        "scale": wall["plain"] / wall["cores"],
        "peak_mb": median(plain, "peak_mb"),
        "state_mb": median(plain, "state") / 1e6,
        "pause_ms": median(runs["checkpoints"], "pause_ms"),
        "checkpoints": wall["plain"] / wall["checkpoints"],
        "mini-batch": wall["plain"] / wall["mini-batch"],
        "floor": FLOORS.get(query),
    }


def nexmark_figures(bench):
    """Figures of each query as it is done; a query that cannot run has `missing` instead."""
    events, times = (QUICK_EVENTS, 1) if bench.quick else (EVENTS, RUNS)
    write_side_input(bench.folder)
    for query in QUERIES:
        try:
            yield measure(bench, query, events, times)
        except Missing as missing:
            yield {"query": query, "missing": str(missing)}


def bench_nexmark(bench):
    """All queries; see the head of bench/nexmark.py."""
    events = QUICK_EVENTS if bench.quick else EVENTS
    print(f"  $ weir -q -i bench/nexmark/tables.sql -f bench/nexmark/qN.sql   ({events:,} events, {RATE:,} a second of"
          " event time)")
    print(f"M events/s: per core, wall, wall at {CORES} workers, and that over one; peak and state in MB; longest "
          "pause\nfor a checkpoint in ms; share of the speed left with checkpoints every second, and with mini-batch")
    print("q      core     wall      all  ratio     peak    state    pause checkpts minibatch")
    for line in nexmark_figures(bench):
        if "missing" in line:
            print(f"q{line['query']:<3} missing: {line['missing']}", flush=True)
            continue
        floor = "" if line["floor"] is None else f"   floor {line['floor']}"
        print(f"q{line['query']:<3} {line['core']:8.2f} {line['wall']:8.2f} {line['all']:8.2f} {line['scale']:6.2f}"
              f" {line['peak_mb']:8.0f} {line['state_mb']:8.1f} {line['pause_ms']:8.2f} {line['checkpoints']:8.2f}"
              f" {line['mini-batch']:9.2f}{floor}", flush=True)
