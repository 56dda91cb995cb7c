"""The Nexmark queries, each from its own file: events per second, memory, state, and what checkpoints and mini-batch
cost.

A rate per core is events divided by the CPU time of all threads; the rate of all cores is events divided by wall
time at as many workers as there are cores. What the machine itself gives is measured beside it: as many processes of
one worker each as there are cores, at once, which share nothing but memory and caches. Every query gets so many events
that it takes a second or more, so that starting and ending do not weigh, and several seconds where checkpoints, one
each second, and mini-batch are measured. Windowed figures hold for RATE events per second of event time only. Ways
alternate; the first three are medians of RUNS.
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
RUN_SECONDS = 1  # what one worker takes at least
LONG_SECONDS = 3  # and where checkpoints and mini-batch are measured
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

    def __init__(self, bench, sql, beside=None):
        """Waits for its end, or, with a folder of its own in `beside`, leaves that to `finish`."""
        folder = beside or bench.folder
        subprocess.run(["rm", "-rf", os.path.join(folder, "checkpoints")], check=True)
        link_library(bench, folder)
        self.sql = sql
        self.process = subprocess.Popen([bench.program("bench_job"), "whole"], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.process.stdin.write(sql)
        self.process.stdin.close()
        if beside is None:
            self.finish()

    def finish(self):
        said, complaint = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait()
        if "not supported yet" in complaint:
            raise Missing(complaint.splitlines()[0])
        if self.process.returncode != 0:
            raise RuntimeError(f"failed:\n{self.sql}\n{complaint}")
        numbers = [float(number) for number in said.split()]
        self.cpu, self.wall, self.peak_mb, self.state, self.epochs, self.pause_ms = numbers


class Processes:
    """The same script in as many processes as there are cores, at once."""

    def __init__(self, bench, sql):
        runs = []
        for i in range(CORES):
            folder = os.path.join(bench.folder, f"process{i}")
            os.makedirs(folder, exist_ok=True)
            write_side_input(folder)
            runs.append(Run(bench, sql, folder))
        for run in runs:
            run.finish()
        self.cpu = sum(run.cpu for run in runs) / CORES
        self.wall = max(run.wall for run in runs) / CORES


def tables(events):
    """The source and its views, for so many events."""
    with open(os.path.join(FOLDER, "tables.sql"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"'events.num' = '\d+'", f"'events.num' = '{events}'", text)
    return re.sub(r"-event.rate' = '\d+'", f"-event.rate' = '{RATE}'", text)


def query_text(query):
    with open(os.path.join(FOLDER, f"q{query}.sql"), encoding="utf-8") as file:
        return file.read()


def link_library(bench, folder):
    """The library with q14's function, where its statement looks for it."""
    link = os.path.join(folder, "count_char.so")
    if not os.path.lexists(link):
        os.symlink(os.path.join(bench.build, "examples", "functions", "count_char.so"), link)


def write_side_input(folder):
    """What q13 looks up."""
    with open(os.path.join(folder, "side_input.csv"), "w", encoding="utf-8") as file:
        file.writelines(f"{i},{i}\n" for i in range(10000))


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


def enough_events(bench, first, events, seconds):
    """So many that one worker takes so long, by the first run, of `events`; no fewer than those."""
    return events if bench.quick else max(events, int(events / first.wall * seconds))


def alternate(bench, text, ways, times):
    """Runs of each way in turns."""
    runs = {way: [] for way in ways}
    for _ in range(times):
        for way in ways:
            if way == "processes":
                runs[way].append(Processes(bench, WAYS["plain"] + text))
            else:
                runs[way].append(Run(bench, WAYS[way] + text))
    return runs


def measure(bench, query, least, times):
    """The figures of one query; rates in million events per second."""
    first = Run(bench, tables(least) + query_text(query))
    events = enough_events(bench, first, least, RUN_SECONDS)
    runs = alternate(bench, tables(events) + query_text(query), ("plain", "cores", "processes"), times)
    cpu, wall = ({way: median(of, figure) / events for way, of in runs.items()} for figure in ("cpu", "wall"))
    long_text = tables(enough_events(bench, first, least, LONG_SECONDS)) + query_text(query)
    long = {way: of[0] for way, of in alternate(bench, long_text, ("plain", "checkpoints", "mini-batch"), 1).items()}
    return {
        "query": query,
        "core": 1 / cpu["plain"] / 1e6,
        "wall": 1 / wall["plain"] / 1e6,
        "all": 1 / wall["cores"] / 1e6,
        "scale": wall["plain"] / wall["cores"],
        "machine": wall["plain"] / wall["processes"],
        "cpu": cpu["cores"] / cpu["plain"],
        "machine_cpu": cpu["processes"] / cpu["plain"],
        "peak_mb": median(runs["plain"], "peak_mb"),
        "state_mb": median(runs["plain"], "state") / 1e6,
        "pause_ms": long["checkpoints"].pause_ms,
        "checkpoints": long["plain"].wall / long["checkpoints"].wall,
        "mini-batch": long["plain"].wall / long["mini-batch"].wall,
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
    print(f"  $ weir -q -i bench/nexmark/tables.sql -f bench/nexmark/qN.sql   ({events:,} events or more, {RATE:,} a second"
          " of event time)")
    print(f"M events/s: per core, wall, wall at {CORES} workers, that over one, and what {CORES} processes at once "
          "give over one;\nCPU time per event over that of one worker, of the workers and of the processes; peak and "
          "state in MB; longest\npause for a checkpoint in ms; share of the speed left with checkpoints every second, "
          "and with mini-batch")
    print("q      core     wall      all  ratio machine    cpu machine     peak    state    pause checkpts minibatch")
    for line in nexmark_figures(bench):
        if "missing" in line:
            print(f"q{line['query']:<3} missing: {line['missing']}", flush=True)
            continue
        floor = "" if line["floor"] is None else f"   floor {line['floor']}"
        print(f"q{line['query']:<3} {line['core']:8.2f} {line['wall']:8.2f} {line['all']:8.2f} {line['scale']:6.2f}"
              f" {line['machine']:7.2f} {line['cpu']:6.2f} {line['machine_cpu']:7.2f} {line['peak_mb']:8.0f} {line['state_mb']:8.1f} {line['pause_ms']:8.2f} {line['checkpoints']:8.2f}"
              f" {line['mini-batch']:9.2f}{floor}", flush=True)
