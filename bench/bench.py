#!/usr/bin/env python3
"""Prints Weir's figures, each beside its limit measured in the same run, with the command that makes it.

Rates are per second of the process's CPU time (all its threads added up), so that they compare per core;
wall time stands beside them. Medians of RUNS alternating runs. "floor" is what a figure should not
fall under on one core of 2 GHz; the ratio to the limit holds anywhere.

Figures of MariaDB start a throwaway server of their own (tests/servers).
"""
import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "servers"))
sys.path.insert(0, os.path.join(ROOT, "bench", "peers"))
import nexmark  # noqa: E402
import peers  # noqa: E402
import performance  # noqa: E402
import servers  # noqa: E402

RUNS = 3


class Bench:
    """Where things are, and how a run is measured."""

    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.quick = options.quick
        self.weir = os.path.join(self.build, "cli", "weir")
        self.folder = tempfile.mkdtemp(prefix="weir-bench-")
        self.made = set()

    def program(self, name):
        """Path of a program of this folder, which is made when it is first asked for."""
        if name not in self.made:
            done = subprocess.run(["ninja", "-C", self.build, "--quiet", "bench/" + name], capture_output=True,
                                  text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"{name} cannot be built:\n{done.stdout}{done.stderr}")
            self.made.add(name)
        return os.path.join(self.build, "bench", name)

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
        return self.numbers("limits", *arguments)[0]

    def numbers(self, program, *arguments, sql=None):
        """What a program of this folder prints."""
        done = subprocess.run([self.program(program), *map(str, arguments)],
                              capture_output=True, text=True, cwd=self.folder, input=sql,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{sql or ''}\n{done.stderr}")
        return [float(number) for number in done.stdout.split()]


def show_command(text):
    print(f"  $ {' '.join(text.split())}")


def report(name, rows, runs, limits, limit_name, floor=None):
    """`limits` are rates."""
    cpu = statistics.median(run[0] for run in runs)
    wall = statistics.median(run[1] for run in runs)
    rate = rows / cpu
    line = f"{name:34} {rate / 1e6:8.2f} M rows/s per core   {rows / wall / 1e6:8.2f} M rows/s wall"
    if limits:
        limit = statistics.median(limits)
        line += f"   limit {limit / 1e6:8.2f} M ({limit_name}): {rate / limit:.2f}"
    if floor is not None:
        line += f"   floor {floor} M"
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
    show_command(f"weir -q -e \"{sql}\"")
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
        show_command(f"weir -q -e \"{sql}\"")
        report(f"GROUP BY, {keys:,} keys", rows, runs, limits, "hash loop", 4)


def bench_lookup(bench):
    """Rows joined with a table outside of as many rows as there are keys; reading it is part of the run."""
    rows = 10_000_000
    for keys in (10_000, 1_000_000):
        with open(os.path.join(bench.folder, "side.csv"), "w", encoding="utf-8") as file:
            file.writelines(f"{i},{i}\n" for i in range(1, keys + 1))
        path = os.path.join(bench.folder, "side.db")
        if os.path.exists(path):
            os.remove(path)
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE d (k INTEGER PRIMARY KEY, v INTEGER)")
            database.executemany("INSERT INTO d VALUES (?, ?)", ((i, i) for i in range(1, keys + 1)))
        database.close()
        sqlite = f"'connector' = 'sqlite', 'path' = '{path}', 'table-name' = 'd'"
        tables = {
            "FULL": "'connector' = 'filesystem', 'path' = 'side.csv', 'format' = 'csv'",
            "PARTIAL": f"{sqlite}, 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '{keys}'",
            "NONE": sqlite,
        }
        limits = [bench.limit("probe", keys, 50_000_000) for _ in range(RUNS)]
        for cache, options in tables.items():
            some = rows // 10 if cache == "NONE" else rows
            sql = datagen(keys, some) + \
                f"CREATE VIEW o AS SELECT k, v, PROCTIME() AS p FROM g; CREATE TABLE d (k BIGINT, v BIGINT) WITH ({options});" \
                "CREATE TABLE b (k BIGINT, v BIGINT, w BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO b " \
                "SELECT o.k, o.v, d.v FROM o JOIN d FOR SYSTEM_TIME AS OF o.p AS d ON o.k = d.k"
            show_command(f"weir -q -e \"{sql}\"")
            report(f"lookup, {cache}, {keys:,} keys", some, [bench.run(sql) for _ in range(RUNS)], limits,
                   "hash probe")


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
    show_command(f"weir -q -e \"{sql}\"")
    report("csv, 7 columns", rows, runs, limits, "lines and commas found", 4)


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
    runs, limits = [], []
    for _ in range(RUNS):
        runs.append(bench.run(sql))
        limits.append(bench.limit("lines", path))
    show_command(f"weir -q -e \"{sql}\"")
    report("json, 7 columns", rows, runs, limits, "lines and commas found", 2)


def bench_start(bench):
    """Start to the first row of a file, and what an idle program holds."""
    path = os.path.join(bench.folder, "one.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("1\n")
    sql = f"CREATE TABLE f (a INT) WITH ('connector' = 'filesystem', 'path' = '{path}', " \
          "'format' = 'csv'); SELECT * FROM f"
    walls = [bench.run(sql)[1] * 1000 for _ in range(10)]
    show_command(f"weir -q -e \"{sql}\"")
    print(f"{'start to the end of a one-row file':34} {statistics.median(walls):8.1f} ms   floor 20 ms")


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
    print(f"{'resident, one group':34} {idle / 1e6:8.1f} MB   floor 20 MB")
    print(f"{'resident per group, 1 M groups':34} {(full - idle) / 1e6:8.1f} bytes   floor 64")


def bench_checkpoint(bench):
    """Groups of which as many rows as a hundredth of them change some each second; a checkpoint a second; and the way
    back from the last one."""
    for keys in (1_000_000, 10_000_000):
        name = f"checkpoint-{keys}"
        sql = ("SET 'execution.checkpointing.dir' = 'checkpoints'; "
               f"SET 'execution.checkpointing.interval' = '1 s'; SET 'pipeline.name' = '{name}';"
               "CREATE TABLE f (k BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = "
               f"'1000000000', 'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = "
               f"'{keys}');"
               "CREATE TABLE g (k BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = "
               f"'{keys // 100}', 'fields.k.min' = '1', 'fields.k.max' = '{keys}');"
               "CREATE TABLE b (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');"
               "INSERT INTO b SELECT k, COUNT(*) FROM (SELECT k FROM f UNION ALL SELECT k FROM g) "
               "GROUP BY k;")
        pause, written, state = bench.numbers("bench_job", "checkpoints", keys, 5, sql=sql)
        back = bench.numbers("bench_job", "restore", sql=sql)[0]
        show_command(f"bench_job checkpoints {keys} 5 <<< \"{sql}\"")
        label = f"checkpoint, {keys // 1_000_000} M keys, 1 % changed"
        print(f"{label:34} {pause:8.2f} ms pause   {written / 1e3:8.1f} KB written of "
              f"{state / 1e6:.1f} MB of state: {written / state:.4f}   floor 10 ms pause")
        label = f"restore, {keys // 1_000_000} M keys"
        print(f"{label:34} {back:8.2f} s: {back / keys * 10_000_000:.2f} s for 10 M keys   floor 1 s", flush=True)


class Database:
    """A MariaDB with a database, and tables of 6 columns on demand."""

    def __init__(self, bench):
        self.bench = bench
        self.server = servers.MariaDB(os.path.join(bench.folder, "db"),
                                      options={"innodb-buffer-pool-size": "256M"})
        self.server.start()
        self.connection = self.server.connect()
        self.run("CREATE DATABASE d")
        self.run("USE d")

    def run(self, sql):
        return self.connection.query(sql)

    def create(self, table):
        self.run(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, k INT, v DECIMAL(12,2), "
                 "name VARCHAR(40), at DATETIME, paid TINYINT)")

    def fill(self, table, rows):
        self.run(f"INSERT INTO {table} SELECT seq, seq * 7919 % 10000, seq % 997 + 0.25, "
                 "CONCAT('name of the customer ', seq % 5000), '2026-01-01 12:00:00', seq % 2 "
                 f"FROM seq_1_to_{rows}")

    def fill_singly(self, table, rows):
        """A statement a row, in one transaction: one rows event for each."""
        self.run(f"CREATE PROCEDURE fill_{table}(n INT) BEGIN DECLARE i INT DEFAULT 1; "
                 f"START TRANSACTION; WHILE i <= n DO INSERT INTO {table} VALUES (i, i * 7919 % "
                 "10000, i % 997 + 0.25, 'name of the customer', '2026-01-01 12:00:00', i % 2); "
                 "SET i = i + 1; END WHILE; COMMIT; END")
        self.run(f"CALL fill_{table}({rows})")

    def position(self):
        row = self.run("SHOW MASTER STATUS")[0]
        return row[0], int(row[1])

    def new_file(self):
        """A file of its own for what follows: where it starts."""
        self.run("FLUSH BINARY LOGS")
        return self.position()

    def table(self, name, options):
        return (f"CREATE TABLE {name} (id BIGINT, k INT, v DECIMAL(12,2), name STRING, "
                "`at` TIMESTAMP(0), paid TINYINT, PRIMARY KEY (id) NOT ENFORCED) WITH ("
                "'connector' = 'mysql-cdc', 'hostname' = '127.0.0.1', "
                f"'port' = '{self.server.port}', 'username' = '{servers.USER}', "
                f"'password' = '{servers.PASSWORD}', 'database-name' = 'd', "
                f"'table-name' = '{name}', {options});")

    def address(self):
        return "127.0.0.1", self.server.port, servers.USER, servers.PASSWORD


BLACKHOLE = ("CREATE TABLE b (id BIGINT, k INT, v DECIMAL(12,2), name STRING, `at` TIMESTAMP(0), "
             "paid TINYINT) WITH ('connector' = 'blackhole');")


def captured(database, table, start):
    """A job that reads a table's changes from a place in the binlog and throws them away."""
    source = database.table(table, "'scan.startup.mode' = 'specific-offset', "
                            f"'scan.startup.specific-offset.file' = '{start[0]}', "
                            f"'scan.startup.specific-offset.pos' = '{start[1]}'")
    return source + BLACKHOLE + f"INSERT INTO b SELECT * FROM {table};"


def capture(bench, database, name, table, start, changes, rows_in):
    """Row changes from a place in the binlog, into batches and through a GROUP BY, against framing."""
    source = database.table(table, "'scan.startup.mode' = 'specific-offset', "
                            f"'scan.startup.specific-offset.file' = '{start[0]}', "
                            f"'scan.startup.specific-offset.pos' = '{start[1]}'")
    plain = source + BLACKHOLE + f"INSERT INTO b SELECT * FROM {table};"
    grouped = source + ("CREATE TABLE b (k INT, n BIGINT, v DECIMAL(38, 2)) WITH ('connector' = "
                        f"'blackhole'); INSERT INTO b SELECT k, COUNT(*), SUM(v) FROM {table} "
                        "GROUP BY k;")
    into_batches, through, framing, events = [], [], [], 0
    for _ in range(RUNS):
        into_batches.append(bench.numbers("bench_job", "rows", rows_in, sql=plain))
        through.append(bench.numbers("bench_job", "rows", rows_in, sql=grouped))
        cpu, _, events, _ = bench.numbers("limits_mysql", "frame", *database.address(), *start)
        framing.append(changes / cpu)
    show_command(f"limits_mysql frame 127.0.0.1 PORT USER PASSWORD {start[0]} {start[1]}")
    show_command(f"bench_job rows {rows_in} <<< \"{plain}\"")
    limit_name = f"framing of {events:,.0f} events"
    report(f"binlog, {name}", changes, into_batches, framing, limit_name, 3)
    show_command(f"bench_job rows {rows_in} <<< \"{grouped}\"")
    report(f"binlog, {name}, GROUP BY", changes, through, framing, limit_name)


def bench_binlog(bench):
    database = Database(bench)
    try:
        rows = 1_000_000
        database.create("many")
        start = database.new_file()
        database.fill("many", rows)
        capture(bench, database, "rows inserted together", "many", start, rows, rows)
        start = database.new_file()
        database.run("UPDATE many SET v = v + 1, paid = 1 - paid")
        capture(bench, database, "rows updated together", "many", start, rows, 2 * rows)
        database.create("single")
        start = database.new_file()
        database.fill_singly("single", rows // 4)
        capture(bench, database, "a statement a row", "single", start, rows // 4, rows // 4)
    finally:
        database.server.remove()


def bench_snapshot(bench):
    """A table read whole, against a SELECT of the same columns with nothing done to its rows."""
    database = Database(bench)
    rows = 3_000_000
    try:
        database.create("t")
        database.fill("t", rows)
        sql = (database.table("t", "'scan.startup.mode' = 'snapshot'") + BLACKHOLE +
               "INSERT INTO b SELECT * FROM t")
        select = "SELECT id, k, v, name, at, paid FROM d.t"
        runs, limits = [], []
        for _ in range(RUNS):
            runs.append(bench.run(sql)[1])
            limits.append(bench.numbers("limits_mysql", "select", *database.address(), select)[1])
        wall, limit = statistics.median(runs), statistics.median(limits)
        show_command(f"limits_mysql select 127.0.0.1 PORT USER PASSWORD \"{select}\"")
        show_command(f"weir -q -e \"{sql}\"")
        print(f"{'snapshot, 6 columns':34} {rows / wall / 1e6:8.2f} M rows/s wall   limit "
              f"{rows / limit / 1e6:8.2f} M (bare SELECT, wall): {limit / wall:.2f}   "
              "floor 0.9", flush=True)
    finally:
        database.server.remove()


def bench_operators(bench):
    """Single operators without sources, sinks and threads around them, then joins: in memory written beforehand and
    in what the system hands out, whose price changes from run to run on a virtual machine."""
    for command in (["bench_operators"], ["bench_operators", "4", "all", "fresh"], ["bench_joins"],
                    ["bench_joins", "0", "all", "fresh"]):
        show_command(" ".join(command))
        subprocess.run([bench.program(command[0]), *command[1:]], check=True)


def bench_keys(bench):
    """What a group costs at 1, 10 and 50 million of them: made, then changed; in memory written beforehand and in
    what the system hands out. Takes some 6 GB at 50 million."""
    for arguments in ([], ["fresh"]):
        subprocess.run([bench.program("bench_keys"), *arguments], check=True)


def bench_windows(bench):
    """Aggregates and joins over windows alone, each beside a loop written by hand."""
    for name in ("bench_windows", "bench_time_joins"):
        subprocess.run([bench.program(name)], check=True)


def bench_latency(bench):
    """From a commit in MariaDB to the row in the mirrored table; from a row's arrival to the change it makes, one
    at a time, with 100,000 keys there and a checkpoint a second."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_latency.py")
    show_command("bench/bench_latency.py --weir build/cli/weir --rate 1000")
    subprocess.run([sys.executable, script, "--weir", os.path.join(bench.build, "cli", "weir")], check=False)
    program = bench.program("bench_arrival")
    for parallelism in (1, 2):
        show_command(f"bench_arrival 10000 100000 1000 {parallelism}")
        lines = subprocess.run([program, "10000", "100000", "1000", str(parallelism)], cwd=bench.folder, check=True,
                               capture_output=True, text=True).stdout.splitlines()
        for name, *marks in map(str.split, lines):
            shown = ", ".join(f"{mark} {float(value):.3f}" for mark, value in zip(("p50", "p95", "p99", "max"), marks))
            print(f"arrival to result, {name}, parallelism {parallelism}: {shown} ms   floor p50 1, p99 5", flush=True)


BENCHES = {
    "datagen": bench_datagen, "group-by": bench_group_by, "lookup": bench_lookup, "csv": bench_csv, "json": bench_json,
    "start": bench_start, "memory": bench_memory, "checkpoint": bench_checkpoint,
    "binlog": bench_binlog, "snapshot": bench_snapshot, "operators": bench_operators,
    "keys": bench_keys,
    "windows": bench_windows,
    "nexmark": nexmark.bench_nexmark,
    "latency": bench_latency,
}
# Only where they are named: they fetch other engines.
NAMED_ONLY = {
    "peers": lambda bench: peers.bench_peers(bench, Database, captured),
    "performance": lambda bench: performance.bench_performance(bench, Database, captured),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="fewer rows, one run: to see that it works")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join((*BENCHES, *NAMED_ONLY))}")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHES and name not in NAMED_ONLY:
            parser.error(f"{name} does not exist; there are {', '.join((*BENCHES, *NAMED_ONLY))}")
    bench = Bench(options)
    try:
        for name in options.names or BENCHES:
            (BENCHES.get(name) or NAMED_ONLY[name])(bench)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
