#!/usr/bin/env python3
"""Kills the engine with -9 at random moments, over and over, and compares the mirrored table.

    tests/cdc/kill.py --weir build/cli/weir --server mariadb --dir build/kill [--kills 100] [--seed 1]

A job mirrors a table, and a join and GROUP BY over it, into SQLite while writers change it. In every round
the job starts from nothing, is killed a few times in its snapshot, while it follows the binlog and while it
writes checkpoints, and is started again each time; when the writers have stopped, the mirrored tables must
equal what the server answers. Ends with 0 when every round did; 77 when the server cannot be had."""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cdc  # noqa: E402

ROWS = 6000
KILLS_PER_ROUND = 5
ROUND_SECONDS = 60

JOB = """
SET 'execution.checkpointing.interval' = '{interval} ms';
SET 'execution.checkpointing.dir' = 'checkpoints';
SET 'parallelism.default' = '{parallelism}';
CREATE TABLE items (id INT, grp INT, amount DECIMAL(10,2), note STRING,
    PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'mysql-cdc', {server},
    'table-name' = 'items');
CREATE TABLE grps (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
    WITH ('connector' = 'mysql-cdc', {server}, 'table-name' = 'grps');
CREATE TABLE mirror (id INT, grp INT, amount DECIMAL(10,2), note STRING,
    PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'sqlite', 'path' = 'mirror.db',
    'table-name' = 'mirror');
CREATE TABLE totals (name STRING, n BIGINT, amount DECIMAL(38,2), PRIMARY KEY (name) NOT ENFORCED)
    WITH ('connector' = 'sqlite', 'path' = 'mirror.db', 'table-name' = 'totals');
EXECUTE STATEMENT SET BEGIN
    INSERT INTO mirror SELECT * FROM items;
    INSERT INTO totals SELECT g.name, COUNT(*), SUM(i.amount) FROM items i JOIN grps g
        ON i.grp = g.id GROUP BY g.name;
END;
"""

ANSWERS = {
    "mirror": "SELECT id, grp, amount, note FROM items ORDER BY id",
    "totals": "SELECT g.name, COUNT(*), SUM(i.amount) FROM items i JOIN grps g ON i.grp = g.id "
              "GROUP BY g.name ORDER BY BINARY g.name",
}


def text(value):
    if value is None:
        return "NULL"
    return value.decode() if isinstance(value, bytes) else str(value)


def fill(server, pick):
    server.query("DROP DATABASE IF EXISTS k; CREATE DATABASE k")
    connection = server.connect(database="k")
    connection.query("CREATE TABLE items (id INT PRIMARY KEY, grp INT, amount DECIMAL(10,2), "
                     "note VARCHAR(40)) ENGINE=InnoDB")
    connection.query("CREATE TABLE grps (id INT PRIMARY KEY, name VARCHAR(20)) ENGINE=InnoDB")
    connection.query("INSERT INTO grps VALUES " +
                     ", ".join("(%d, 'group %d')" % (i, i % 7) for i in range(20)))
    for start in range(0, ROWS, 1000):
        connection.query("INSERT INTO items VALUES " + ", ".join(
            "(%d, %d, %.2f, 'note %d')" % (i, pick.randrange(20), pick.random() * 100, i)
            for i in range(start, start + 1000)))
    connection.close()


def write(server, stop, seed):
    """One writer: single changes, changed keys, transactions, rollbacks, until told to stop."""
    pick = random.Random(seed)
    connection = server.connect(database="k")
    while not stop.is_set():
        row = pick.randrange(ROWS * 2)
        kind = pick.randrange(6)
        try:
            if kind == 0:
                connection.query("REPLACE INTO items VALUES (%d, %d, 1.5, 'new')"
                                 % (row, pick.randrange(20)))
            elif kind == 1:
                connection.query("UPDATE items SET amount = amount + 1 WHERE id = %d" % row)
            elif kind == 2:
                connection.query("DELETE FROM items WHERE id = %d" % row)
            elif kind == 3:
                connection.query("UPDATE IGNORE items SET id = id + %d WHERE id = %d"
                                 % (ROWS, row))
            elif kind == 4:
                connection.query("BEGIN")
                connection.query("UPDATE items SET grp = %d WHERE id BETWEEN %d AND %d"
                                 % (pick.randrange(20), row, row + 20))
                connection.query("UPDATE grps SET name = 'group %d' WHERE id = %d"
                                 % (pick.randrange(9), pick.randrange(20)))
                connection.query("COMMIT" if pick.randrange(3) else "ROLLBACK")
        except cdc.servers.client.SqlError as error:
            if error.number not in (1205, 1213):  # lock wait, deadlock: try something else
                raise
            connection.query("ROLLBACK")
        time.sleep(0.001)
    connection.close()


class Round:
    """One job from nothing to equality."""

    def __init__(self, options, server, folder, pick):
        self.options, self.server, self.folder, self.pick = options, server, folder, pick
        cdc.clean(folder)
        os.makedirs(folder)
        self.job = JOB

    def start(self):
        server = "'hostname' = '127.0.0.1', 'port' = '%d', 'username' = '%s', 'password' = '%s', " \
                 "'database-name' = 'k', 'heartbeat.interval' = '1 s'" \
                 % (self.server.port, cdc.servers.USER, cdc.servers.PASSWORD)
        with open(os.path.join(self.folder, "job.sql"), "w", encoding="utf-8") as file:
            file.write(self.job.format(server=server, interval=self.pick.choice([20, 100, 300]),
                                       parallelism=self.pick.choice([1, 1, 2, 3])))
        log = open(os.path.join(self.folder, "log"), "ab")
        return subprocess.Popen([os.path.abspath(self.options.weir), "-q", "-f", "job.sql"],
                                cwd=self.folder, stdout=log, stderr=log)

    def found(self):
        path = os.path.join(self.folder, "mirror.db")
        tables = {}
        try:
            with sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=5) as database:
                for table in ANSWERS:
                    rows = database.execute("SELECT * FROM %s ORDER BY 1" % table).fetchall()
                    tables[table] = [tuple(text(value) for value in row) for row in rows]
        except sqlite3.OperationalError:
            return None
        return tables

    def log_tail(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def wait_equal(self, process):
        wanted = {table: [tuple(text(value) for value in row)
                          for row in self.server.connect(database="k").query(sql)]
                  for table, sql in ANSWERS.items()}
        deadline = time.monotonic() + ROUND_SECONDS
        while True:
            found = self.found()
            if found == wanted:
                return
            if process.poll() is not None:
                raise cdc.Failure("weir ended with %d:\n%s" % (process.returncode,
                                                               self.log_tail()))
            if time.monotonic() > deadline:
                raise cdc.Failure(self.difference(found, wanted))
            time.sleep(0.05)

    def difference(self, found, wanted):
        lines = ["the mirror does not become equal"]
        for table in ANSWERS:
            have = set((found or {}).get(table, []))
            want = set(wanted[table])
            lines.append("%s: missing %r, wrong %r" % (table, sorted(want - have)[:5],
                                                       sorted(have - want)[:5]))
        return "\n".join(lines) + "\n" + self.log_tail()

    def run(self):
        fill(self.server, self.pick)
        stop = threading.Event()
        writers = [threading.Thread(target=write, args=(self.server, stop,
                                                        self.pick.random())) for _ in range(2)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(KILLS_PER_ROUND):
                process = self.start()
                time.sleep(self.pick.random() * self.options.longest)
                if process.poll() is not None:
                    raise cdc.Failure("weir ended with %d:\n%s" % (process.returncode,
                                                                   self.log_tail()))
                process.send_signal(signal.SIGKILL)
                process.wait()
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        process = self.start()
        try:
            self.wait_equal(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
        if process.returncode != 0:
            raise cdc.Failure("stopping gave %d:\n%s" % (process.returncode, self.log_tail()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    parser.add_argument("--server", choices=("mariadb", "mysql"), default="mariadb")
    parser.add_argument("--dir", required=True)
    parser.add_argument("--cache")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--longest", type=float, default=0.8, help="seconds until a kill at most")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    pick = random.Random(options.seed)
    folder = os.path.abspath(options.dir)
    cdc.clean(folder)
    server = cdc.servers.make(options.server, os.path.join(folder, "server"),
                              cache=options.cache or os.path.join(folder, "cache"))
    try:
        server.start()
    except cdc.servers.ServerError as error:
        print("SKIPPED, all of %s: %s" % (server.kind, error), flush=True)
        return 77
    rounds = (options.kills + KILLS_PER_ROUND - 1) // KILLS_PER_ROUND
    failed = 0
    try:
        for number in range(rounds):
            try:
                Round(options, server, os.path.join(folder, "round"), pick).run()
            except cdc.Failure as failure:
                failed += 1
                print("%s round %d FAILED: %s" % (server.kind, number, failure), flush=True)
                break
    finally:
        server.stop()
    print("%s: %d kills in %d rounds" % (server.kind, rounds * KILLS_PER_ROUND, rounds))
    print("%d passed, %d failed" % (number + 1 - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
