#!/usr/bin/env python3
"""Prints Weir's figures, each beside its limit measured in the same run, with the command that makes it.

Rates are per second of the process's CPU time (all its threads added up), so that they compare per core;
wall time stands beside them. Medians of RUNS alternating runs.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNS = 3


class Bench:
    """Where things are, and how a run is measured."""

    def __init__(self, options):
        self.weir = os.path.abspath(os.path.join(options.build, "cli", "weir"))
        self.folder = tempfile.mkdtemp(prefix="weir-bench-")
        self.limits = os.path.join(self.folder, "limits")
        subprocess.run(["gcc", "-O3", "-o", self.limits, os.path.join(ROOT, "bench", "limits.c")],
                       check=True)

    def run(self, sql, *arguments):
        """CPU seconds, wall seconds, peak memory in MB and output of one run of Weir."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(["/usr/bin/env", self.weir, "-q", *arguments, "-e", sql],
                              capture_output=True, text=True, cwd=self.folder, check=False)
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"weir failed:\n{sql}\n{done.stderr}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, wall, done.stdout

    def limit(self, *arguments):
        return float(subprocess.run([self.limits, *map(str, arguments)], capture_output=True,
                                    text=True, check=True).stdout)


def report(name, rows, runs, limits, limit_name):
    cpu = statistics.median(run[0] for run in runs)
    wall = statistics.median(run[1] for run in runs)
    rate = rows / cpu
    line = f"{name:34} {rate / 1e6:8.2f} M rows/s per core   {rows / wall / 1e6:8.2f} M rows/s wall"
    if limits:
        limit = statistics.median(limits)
        line += f"   limit {limit / 1e6:8.2f} M ({limit_name}): {rate / limit:.2f}"
    print(line, flush=True)


def datagen(keys, rows):
    return (f"CREATE TABLE g (k BIGINT, v BIGINT) WITH ('connector' = 'datagen', "
            f"'number-of-rows' = '{rows}', 'rows-per-second' = '1000000000', 'fields.k.min' = '1', "
            f"'fields.k.max' = '{keys}', 'fields.v.min' = '1', 'fields.v.max' = '1000');")


def bench_datagen(bench):
    """Rows made and thrown away: what every datagen figure below contains."""
    rows = 20_000_000
    sql = datagen(1000, rows) + "CREATE TABLE b (k BIGINT, v BIGINT) WITH ('connector' = " \
        "'blackhole'); INSERT INTO b SELECT k, v FROM g"
    report("datagen to blackhole", rows, [bench.run(sql) for _ in range(RUNS)], [], "")


def bench_group_by(bench):
    """GROUP BY BIGINT with COUNT and SUM, every change emitted (-U +U)."""
    for keys, rows in ((10_000, 10_000_000), (1_000_000, 10_000_000)):
        sql = datagen(keys, rows) + \
            "CREATE TABLE b (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');" \
            "INSERT INTO b SELECT k, COUNT(*), SUM(v) FROM g GROUP BY k"
        runs, limits = [], []
        for _ in range(RUNS):
            runs.append(bench.run(sql))
            limits.append(bench.limit("aggregate", keys, 50_000_000))
        report(f"GROUP BY, {keys:,} keys", rows, runs, limits, "hash loop")


def bench_csv(bench):
    """A csv file of seven columns, some 170 bytes a row, to typed columns."""
    path = os.path.join(bench.folder, "rows.csv")
    rows = 1_000_000
    with open(path, "w", encoding="utf-8") as file:
        for i in range(rows):
            file.write(f"{i},{i * 7919 % 100000},{i * 31 % 997}.25,name of the customer {i % 5000},"
                       f"2026-01-01 12:{i % 60:02}:{i % 50:02},{'x' * 80},{i % 2 == 0}\n")
    sql = ("CREATE TABLE f (a BIGINT, b INT, c DOUBLE, d STRING, e TIMESTAMP(0), f STRING, "
           f"g BOOLEAN) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');"
           "CREATE TABLE o (a BIGINT, b INT, c DOUBLE, d STRING, e TIMESTAMP(0), f STRING, "
           "g BOOLEAN) WITH ('connector' = 'blackhole'); INSERT INTO o SELECT * FROM f")
    runs, limits = [], []
    for _ in range(RUNS):
        runs.append(bench.run(sql))
        limits.append(bench.limit("lines", path))
    report("csv, 7 columns", rows, runs, limits, "lines and commas found")


def bench_json(bench):
    path = os.path.join(bench.folder, "rows.json")
    rows = 1_000_000
    with open(path, "w", encoding="utf-8") as file:
        for i in range(rows):
            file.write(f'{{"id": {i}, "customer": {i * 7919 % 100000}, "amount": {i % 997}.25, '
                       f'"name": "name of the customer {i % 5000}", '
                       f'"at": "2026-01-01 12:{i % 60:02}:{i % 50:02}", "note": "{"x" * 60}", '
                       f'"paid": {"true" if i % 2 else "false"}}}\n')
    columns = "id BIGINT, customer INT, amount DOUBLE, name STRING, `at` TIMESTAMP(0), " \
              "note STRING, paid BOOLEAN"
    sql = (f"CREATE TABLE f ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}', "
           f"'format' = 'json'); CREATE TABLE o ({columns}) WITH ('connector' = 'blackhole');"
           "INSERT INTO o SELECT * FROM f")
    report("json, 7 columns", rows, [bench.run(sql) for _ in range(RUNS)], [], "")


def bench_start(bench):
    """Start to the first row of a file, and what an idle program holds."""
    path = os.path.join(bench.folder, "one.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("1\n")
    sql = f"CREATE TABLE f (a INT) WITH ('connector' = 'filesystem', 'path' = '{path}', " \
          "'format' = 'csv'); SELECT * FROM f"
    walls = [bench.run(sql)[1] * 1000 for _ in range(10)]
    print(f"{'start to the end of a one-row file':34} {statistics.median(walls):8.1f} ms")


def bench_memory(bench):
    """Resident bytes for a million groups of BIGINT to COUNT, over those of an idle run."""
    def peak(rows, keys):
        sql = datagen(keys, rows).replace("'fields.k.min' = '1', 'fields.k.max' = "
                                          f"'{keys}'", "'fields.k.kind' = 'sequence', "
                                          f"'fields.k.start' = '1', 'fields.k.end' = '{keys}'")
        sql += "CREATE TABLE b (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');" \
               "INSERT INTO b SELECT k, COUNT(*) FROM g GROUP BY k"
        done = subprocess.run(["/usr/bin/time", "-f", "%M", bench.weir, "-q", "-e", sql],
                              capture_output=True, text=True, cwd=bench.folder, check=True)
        return int(done.stderr.split()[-1]) * 1024
    if shutil.which("time", path="/usr/bin") is None:
        print("memory: /usr/bin/time is missing (package time)")
        return
    idle, full = peak(1, 1), peak(1_000_000, 1_000_000)
    print(f"{'resident, one group':34} {idle / 1e6:8.1f} MB")
    print(f"{'resident per group, 1 M groups':34} {(full - idle) / 1e6:8.1f} bytes")


BENCHES = {
    "datagen": bench_datagen, "group-by": bench_group_by, "csv": bench_csv, "json": bench_json,
    "start": bench_start, "memory": bench_memory,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(BENCHES)}")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHES:
            parser.error(f"{name} does not exist; there are {', '.join(BENCHES)}")
    bench = Bench(options)
    try:
        for name in options.names or BENCHES:
            BENCHES[name](bench)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
