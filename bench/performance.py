"""Writes docs/performance.md: the Nexmark queries, and the same work on other engines, measured in one go.

Every figure of the page comes from here; what is said beside them is the text below.
"""
import datetime
import os
import platform
import subprocess

import nexmark
import peers

PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "performance.md")


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return ((done.stdout + done.stderr).strip().splitlines() or ["not known"])[0]
    except FileNotFoundError:
        return "not there"


def read_field(path, field):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(field):
                return line.split(":", 1)[1].strip()
    return "not known"


def machine(bench):
    memory = int(read_field("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    commit = first_line("git", "-C", os.path.dirname(PAGE), "log", "-1", "--format=%h of %cs")
    return (f"{datetime.date.today()}, {nexmark.CORES} cores of {read_field('/proc/cpuinfo', 'model name')}, "
            f"{memory:.0f} GB of memory, Linux {platform.release()}; {first_line(bench.weir, '--version')} "
            f"(commit {commit}), {first_line('gcc', '--version')}")


def head(bench, command):
    return f"""# Performance

This page is written by `{command}`; every figure is from one run of it. {"It was a quick run: too short for figures "
"to mean much. " if bench.quick else ""}An absolute figure says as much about the machine as about the program; ratios
within one run hold better.

{machine(bench)}.
"""


def nexmark_part(bench):
    events, times = (nexmark.QUICK_EVENTS, 1) if bench.quick else (nexmark.EVENTS, nexmark.RUNS)
    yield f"""
## Nexmark

The queries of the Nexmark benchmark, from [bench/nexmark](../bench/nexmark), over {events:,} events of the built-in generator, or as many as take one worker
a second, at {nexmark.RATE:,} events per second of event time (figures of windows hold for that density only), into a `blackhole`: it
takes every change that a query makes, but -U. Medians of {times}; checkpoints and mini-batch: one run each, of {nexmark.LONG_SECONDS} seconds or more.

| column | what it is, in million events per second where nothing else is said |
| --- | --- |
| core | events by CPU time of all threads, the generator's included |
| one | events by wall time with one worker |
| all | events by wall time with {nexmark.CORES} workers, and that over one worker |
| machine | the same of {nexmark.CORES} processes of one worker each, run at once: what the machine gives to what shares nothing |
| CPU | CPU time per event of the {nexmark.CORES} workers over that of one worker, and the same of the {nexmark.CORES} processes |
| peak, state | memory of the process, and of its state, in MB |
| pause | the longest time a worker stood still for a checkpoint, one each second and one at the end, in ms |
| checkpoints, mini-batch | the speed with them over that without |

| query | core | one | all | all : one | machine | CPU | machine | peak | state | pause | checkpoints | mini-batch |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
    for line in nexmark.nexmark_figures(bench):
        if "missing" in line:
            yield f"| q{line['query']} | cannot run yet | | | | | | | | | | | |\n"
            continue
        yield (f"| q{line['query']} | {line['core']:.2f} | {line['wall']:.2f} | {line['all']:.2f} | "
               f"{line['scale']:.2f} | {line['machine']:.2f} | {line['cpu']:.2f} | {line['machine_cpu']:.2f} | "
               f"{line['peak_mb']:.0f} | {line['state_mb']:.1f} | {line['pause_ms']:.1f} | "
               f"{line['checkpoints']:.2f} | {line['mini-batch']:.2f} |\n")


def ratio(weir, other):
    return f"{weir / other:.1f}"


def peers_part(bench, open_database, capture_sql):
    them = peers.Peers(bench)
    try:
        yield f"""
## Beside Flink and DuckDB

{them.events:,} of the same events in files that Weir wrote, read by every engine in turns; medians of {them.times} runs, in million
events per second of CPU time and of wall time. Flink is {them.flink_version} with one slot, in one warm process, running the same
SQL files. The time of the same job over a few rows is taken off both, Weir's and Flink's. DuckDB is {them.duckdb_version.split()[1]} with one thread: it answers once over all
rows and shows no changes, so it is a lower bound on the work; from parquet, it does not even read text.

| query | Weir, CPU | wall | Flink, CPU | wall | Weir : Flink, CPU | wall | DuckDB csv, CPU | Weir : DuckDB | DuckDB parquet, CPU | Weir : DuckDB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
        for query in peers.QUERIES:
            figures = them.query_figures(query)
            weir, flink = figures["weir"], figures["flink"]
            cells = [weir[0], weir[1], flink[0], flink[1]]
            cells = [f"{cell:.3f}" for cell in cells] + [ratio(weir[0], flink[0]), ratio(weir[1], flink[1])]
            for name in ("duckdb", "parquet"):
                cells += [f"{figures[name][0]:.2f}", f"{weir[0] / figures[name][0]:.2f}"]
            yield f"| q{query} | {' | '.join(cells)} |\n"
        yield """
The same from csv on all cores and with mini-batch, and from json:

| query | way | Weir, CPU | wall | Flink, CPU | wall | Weir : Flink, CPU | wall |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
        for figures in them.other_ways():
            weir, flink = figures["weir"], figures["flink"]
            yield (f"| q{figures['query']} | {figures['way']} | {weir[0]:.3f} | {weir[1]:.3f} | {flink[0]:.3f} | "
                   f"{flink[1]:.3f} | {ratio(weir[0], flink[0])} | {ratio(weir[1], flink[1])} |\n")
    finally:
        them.close()
    database = open_database(bench)
    try:
        figures = peers.binlog_figures(bench, database, capture_sql)
    finally:
        database.server.remove()
    weir, java = figures["weir"], figures["java"]
    yield f"""
## Change capture

A binlog of MariaDB with {peers.BINLOG_ROWS // (10 if bench.quick else 1):,} rows of six columns inserted together, read from its start:
Weir decodes it into typed batches and throws them away, the Java client mysql-binlog-connector-java decodes and counts them.
Million rows per second of CPU time: Weir {weir[0]:.2f}, the Java client {java[0]:.2f}, ratio {ratio(weir[0], java[0])}; of wall time:
{weir[1]:.2f} and {java[1]:.2f}, ratio {ratio(weir[1], java[1])}.
"""


def bench_performance(bench, open_database, capture_sql):
    """Measures everything and writes the page; see the head of bench/performance.py."""
    command = "./dev bench performance" + (" --quick" if bench.quick else "")
    text = head(bench, command)
    for part in (nexmark_part(bench), peers_part(bench, open_database, capture_sql)):
        for piece in part:
            print(piece, end="", flush=True)
            text += piece
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"\nwritten: {os.path.relpath(PAGE)}")
