"""The same work on what a user would pick instead: Apache Flink, DuckDB, and a Java binlog client.

Weir writes the Nexmark events into files; every engine reads those and runs the same query, in turns, in one run.
Flink gets the SQL files of bench/nexmark as they are, DuckDB the same queries in its dialect (duckdb_peer.py), in
batch: a lower bound on the work, since it shows no change on the way. Flink stays in one warm process. The figures of
Weir and of Flink are without the time that the same job takes over a few rows: what is left is the cost of the events.
The peers are fetched with pip and Maven into .cache/peers and
are needed for nothing else.
"""
import glob
import os
import shutil
import statistics
import subprocess
import sys

import nexmark

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(ROOT, ".cache", "peers")
DUCKDB = "duckdb==1.5.0"
EVENTS = 1_000_000
QUICK_EVENTS = 100_000
RUNS = 5
QUERIES = (0, 2, 3, 4, 9, 15, 16, 17, 18, 19, 20, 21, 22)
OTHER_WAYS = (4, 17)  # also on all cores, with mini-batch and from json
BINLOG_ROWS = 1_000_000

TABLES = {
    "person": "id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, "
              "dateTime TIMESTAMP(3), extra STRING",
    "auction": "id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, "
               "dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING",
    "bid": "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), "
           "extra STRING",
}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def fetch_duckdb():
    """A private environment with DuckDB; its python."""
    python = os.path.join(CACHE, "python", "bin", "python")
    if not glob.glob(os.path.join(CACHE, "python", "lib", "*", "site-packages", "duckdb")):
        run(sys.executable, "-m", "venv", os.path.join(CACHE, "python"))
        run(python, "-m", "pip", "install", "-q", DUCKDB)
    return python


def fetch_java():
    """Jars and our classes; the class path."""
    for program in ("mvn", "javac"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is not installed (packages maven, default-jdk-headless)")
    jars, classes = os.path.join(CACHE, "jars"), os.path.join(CACHE, "classes")
    if not glob.glob(os.path.join(jars, "flink-clients-*")):
        run("mvn", "-q", "-B", "-f", os.path.join(HERE, "java", "pom.xml"), "dependency:copy-dependencies",
            f"-DoutputDirectory={jars}")
    run("javac", "-d", classes, "-cp", f"{jars}/*", *glob.glob(os.path.join(HERE, "java", "*.java")))
    return f"{classes}:{jars}/*"


class Talk:
    """A process that answers each line with a line of CPU and wall seconds."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def read(self):
        return self.process.stdout.readline().strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.read()
        if not answer or not answer[0].isdigit():
            raise RuntimeError(f"{line}: {answer or 'the process ended'}")
        return tuple(float(number) for number in answer.split())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def declare(folder, form):
    """CREATE TABLE statements over the files of one format, for Weir and Flink alike."""
    return "".join(
        f"CREATE TABLE {table} ({columns}, WATERMARK FOR dateTime AS dateTime - INTERVAL '4' SECOND) WITH "
        f"('connector' = 'filesystem', 'path' = '{folder}/{table}.{form}', 'format' = '{form}');\n"
        for table, columns in TABLES.items())


def write_events(bench, folder, events):
    """The events as files by table, in csv and in json."""
    for form in ("csv", "json"):
        sql = nexmark.tables(events)
        for table, columns in TABLES.items():
            sql += (f"CREATE TABLE {table}_{form} ({columns}) WITH ('connector' = 'filesystem', "
                    f"'path' = '{folder}/{table}.{form}', 'format' = '{form}');"
                    f"INSERT INTO {table}_{form} SELECT * FROM {table};")
        bench.run(sql)


def median(runs, index):
    return statistics.median(run[index] for run in runs)


class Peers:
    """The engines with the files they read."""

    def __init__(self, bench):
        self.bench = bench
        self.events, self.times = (QUICK_EVENTS, 1) if bench.quick else (EVENTS, RUNS)
        self.folder = os.path.join(bench.folder, "events")
        self.empty = os.path.join(bench.folder, "empty")
        write_events(bench, self.folder, self.events)
        write_events(bench, self.empty, 50)
        self.duckdb = Talk(fetch_duckdb(), os.path.join(HERE, "duckdb_peer.py"), self.folder)
        self.duckdb_version = self.duckdb.read()
        self.flink = Talk("java", "-Xmx4g", "-cp", fetch_java(), "FlinkPeer")
        self.flink_version = "Flink " + os.path.basename(glob.glob(
            os.path.join(CACHE, "jars", "flink-clients-*.jar"))[0])[len("flink-clients-"):-len(".jar")]

    def close(self):
        self.duckdb.close()
        self.flink.close()

    def script(self, folder, query, form):
        return declare(folder, form) + nexmark.query_text(query)

    def ask_flink(self, folder, query, form, slots, mini_batch):
        path = os.path.join(self.bench.folder, "flink.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.script(folder, query, form))
        return self.flink.ask(f"{slots} {mini_batch} {path}")

    def ask_weir(self, folder, query, form, slots, mini_batch):
        settings = f"SET 'parallelism.default' = '{slots}';" + (nexmark.MINI_BATCH if mini_batch else "")
        run = nexmark.Run(self.bench, settings + self.script(folder, query, form))
        return run.cpu, run.wall

    def run_weir(self, query, form="csv", slots=1, mini_batch=0):
        """CPU and wall seconds over all events, and over a few."""
        return (*self.ask_weir(self.folder, query, form, slots, mini_batch),
                *self.ask_weir(self.empty, query, form, slots, mini_batch))

    def run_flink(self, query, form="csv", slots=1, mini_batch=0):
        """CPU and wall seconds over all events, and over a few."""
        return (*self.ask_flink(self.folder, query, form, slots, mini_batch),
                *self.ask_flink(self.empty, query, form, slots, mini_batch))

    def rates(self, runs):
        """Million events per CPU second and per wall second."""
        cpu, wall = median(runs, 0), median(runs, 1)
        if len(runs[0]) == 4:
            # Where the start is nearly all of it, the difference says nothing.
            cpu, wall = max(cpu - median(runs, 2), cpu / 10), max(wall - median(runs, 3), wall / 10)
        return self.events / cpu / 1e6, self.events / wall / 1e6

    def query_figures(self, query):
        """One query on each engine from csv, one slot; the first run of Flink warms it."""
        runs = {"weir": [], "flink": [], "duckdb": [], "parquet": []}
        self.run_flink(query)
        for _ in range(self.times):
            runs["weir"].append(self.run_weir(query))
            runs["flink"].append(self.run_flink(query))
            runs["duckdb"].append(self.duckdb.ask(f"csv {query}"))
            runs["parquet"].append(self.duckdb.ask(f"parquet {query}"))
        return {"query": query, **{name: self.rates(of) for name, of in runs.items()}}

    def way_figures(self, query, way, **options):
        runs = {"weir": [], "flink": []}
        self.run_flink(query, **options)
        for _ in range(self.times):
            runs["weir"].append(self.run_weir(query, **options))
            runs["flink"].append(self.run_flink(query, **options))
        return {"query": query, "way": way, **{name: self.rates(of) for name, of in runs.items()}}

    def other_ways(self):
        for query in OTHER_WAYS:
            yield self.way_figures(query, f"{nexmark.CORES} slots", slots=nexmark.CORES)
            yield self.way_figures(query, "mini-batch", mini_batch=1)
            yield self.way_figures(query, "json", form="json")
        yield self.way_figures(0, "json", form="json")


def binlog_figures(bench, database, capture_sql):
    """Rows per CPU second and per wall second of Weir and of the Java client, over one binlog."""
    rows = BINLOG_ROWS // 10 if bench.quick else BINLOG_ROWS
    times = 1 if bench.quick else RUNS
    database.create("peer")
    start = database.new_file()
    database.fill("peer", rows)
    host, port, user, password = database.address()
    java = subprocess.run(
        ["java", "-Xmx2g", "-cp", fetch_java(), "BinlogPeer", host, str(port), user, password, start[0], str(start[1]),
         str(rows), str(times + 1)], capture_output=True, text=True, check=False)
    if java.returncode != 0:
        raise RuntimeError(f"the Java client failed:\n{java.stderr[-2000:]}")
    peer = [tuple(float(number) for number in line.split()) for line in java.stdout.splitlines()[1:]]
    weir = [tuple(bench.numbers("bench_job", "rows", rows, sql=capture_sql(database, "peer", start)))
            for _ in range(times)]
    return {name: (rows / median(of, 0) / 1e6, rows / median(of, 1) / 1e6)
            for name, of in (("weir", weir), ("java", peer))}


def line_of(figures):
    weir, flink = figures["weir"], figures["flink"]
    text = (f"q{figures['query']:<3} {weir[0]:7.2f} {weir[1]:7.2f} {flink[0]:8.3f} {flink[1]:7.3f} "
            f"{weir[0] / flink[0]:8.1f} {weir[1] / flink[1]:7.1f}")
    if "duckdb" not in figures:
        return text + f"   {figures['way']}"
    return text + "".join(f" {figures[name][0]:9.2f} {weir[0] / figures[name][0]:6.2f}"
                          for name in ("duckdb", "parquet"))


def bench_peers(bench, open_database, capture_sql):
    """All comparisons; see the head of bench/peers/peers.py."""
    peers = Peers(bench)
    try:
        print(f"Nexmark from csv files of {peers.events:,} events, one slot, blackhole: Weir, {peers.flink_version} (warm), "
              f"both without their start,\n{peers.duckdb_version} (one thread, batch; csv and parquet). Medians of {peers.times} runs in turns; M events per CPU second and per wall second")
        print("       Weir    wall    Flink    wall  Weir: Flink  wall    DuckDB Weir:DuckDB  parquet Weir:DuckDB")
        for query in QUERIES:
            print(line_of(peers.query_figures(query)), flush=True)
        print("The same on all cores, with mini-batch, and from json")
        for figures in peers.other_ways():
            print(line_of(figures), flush=True)
    finally:
        peers.close()
    database = open_database(bench)
    try:
        figures = binlog_figures(bench, database, capture_sql)
        print("binlog of MariaDB, 6 columns, rows inserted together, M rows per CPU second: Weir "
              f"{figures['weir'][0]:.2f}, mysql-binlog-connector-java {figures['java'][0]:.2f}: "
              f"{figures['weir'][0] / figures['java'][0]:.1f}", flush=True)
    finally:
        database.server.remove()
