#!/usr/bin/env python3
"""From a commit in MariaDB to the row in the mirrored table: how long it takes, at a steady rate.

    bench/bench_latency.py --weir build-release/cli/weir [--rate 1000] [--seconds 10] [--limit-ms 10]

Starts a throwaway MariaDB and a job from `mysql-cdc` to `sqlite` without checkpoints (with them rows show
at each epoch), commits one row at a time, and looks at the SQLite file every half millisecond. Prints the
quantiles; ends with 1 when the 99th of a hundred is above the limit."""

import argparse
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "servers"))
import servers  # noqa: E402

JOB = """CREATE TABLE m (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'mysql-cdc',
    'hostname' = '127.0.0.1', 'port' = '%d', 'username' = '%s', 'password' = '%s', 'database-name' = 'd',
    'table-name' = 't');
CREATE TABLE o (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'sqlite',
    'path' = 'out.db', 'table-name' = 'o');
INSERT INTO o SELECT * FROM m;
"""


def watch(path, last, seen):
    """Notes when each row shows."""
    database = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=5)
    newest, times = 0, {}
    while newest < last:
        try:
            rows = database.execute("SELECT id FROM o WHERE id > ? ORDER BY id", (newest,)).fetchall()
        except sqlite3.OperationalError:
            rows = []  # just being written
        now = time.monotonic()
        for (number,) in rows:
            times[number] = now
            newest = number
        time.sleep(0.0005)
    seen.put(times)


def wait_for_row(path, number):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
                if database.execute("SELECT 1 FROM o WHERE id = ?", (number,)).fetchone():
                    return
        except sqlite3.OperationalError:
            pass  # not made yet
        time.sleep(0.01)
    sys.exit("the first row did not arrive")


def write(server, rate, count):
    """Commits a row at each tick; returns when each was committed."""
    connection = server.connect(database="d")
    commits = {}
    began = time.monotonic()
    for number in range(2, count + 2):
        ahead = began + (number - 2) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        connection.query("INSERT INTO t VALUES (%d, 'row %d')" % (number, number))
        commits[number] = time.monotonic()
    return commits, count / (time.monotonic() - began)


def measure(weir, server, folder, rate, seconds):
    server.query("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(40)) ENGINE=InnoDB;"
                 "INSERT INTO d.t VALUES (1, 'first')")
    with open(os.path.join(folder, "job.sql"), "w", encoding="utf-8") as job:
        job.write(JOB % (server.port, servers.USER, servers.PASSWORD))
    path = os.path.join(folder, "out.db")
    program = subprocess.Popen([weir, "-f", "job.sql"], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        wait_for_row(path, 1)
        count = rate * seconds
        seen = multiprocessing.Queue()
        watcher = multiprocessing.Process(target=watch, args=(path, count + 1, seen))
        watcher.start()
        commits, reached = write(server, rate, count)
        shown = seen.get(timeout=60)
        watcher.join()
    finally:
        program.terminate()
        program.wait()
    return sorted(shown[number] - commits[number] for number in commits), reached


def main():
    parser = argparse.ArgumentParser(description="Latency of change capture.")
    parser.add_argument("--weir", required=True)
    parser.add_argument("--rate", type=int, default=1000, help="transactions per second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--limit-ms", type=float, default=10)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="weir-latency-")
    server = servers.make("mariadb", os.path.join(folder, "server"))
    try:
        server.start()
        delays, reached = measure(os.path.abspath(arguments.weir), server, folder, arguments.rate,
                                  arguments.seconds)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    marks = [(name, 1000 * delays[min(len(delays) - 1, int(len(delays) * share))])
             for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1))]
    print("commit to mirrored row at %.0f transactions/s: %s ms" % (
        reached, ", ".join("%s %.1f" % mark for mark in marks)))
    return 0 if marks[2][1] <= arguments.limit_ms else 1


if __name__ == "__main__":
    sys.exit(main())
