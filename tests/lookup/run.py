#!/usr/bin/env python3
"""The connector `mysql` against a real server that this starts itself: scans, lookups, what is refused, and a
server that goes away and comes back.

    tests/lookup/run.py --weir build/cli/weir --server mariadb --dir build/lookup

Ends with 0 when all held, 1 when one did not, 77 when the server cannot be had here (said loudly)."""
import argparse
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
import servers  # noqa: E402

ROWS = [
    "CREATE DATABASE shop",
    "CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(40) CHARACTER SET latin1, kind ENUM('x','y'), "
    "born DATE, credit DECIMAL(10,2), KEY (name))",
    "INSERT INTO shop.customers VALUES (1,'Ann','x','2000-01-01',1.5), (2,'Bob','y',NULL,2), "
    "(4,'dan','x','1999-12-31',NULL), (5,'Dan','y',NULL,0)",
    "CREATE TABLE shop.pairs (a INT, b VARCHAR(10), v BIGINT UNSIGNED)",
    "INSERT INTO shop.pairs VALUES (1,'p',10), (1,'q',18446744073709551615), (2,'p',20), (2,'p',21), (NULL,'p',0)",
    "CREATE TABLE shop.many (a INT, b VARCHAR(8), v INT, PRIMARY KEY (a, b))",
]

TABLES = """
CREATE TABLE c (id INT, name STRING, kind STRING, born DATE, credit DECIMAL(10, 2), PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'mysql', 'url' = 'jdbc:mysql://127.0.0.1:{port}/shop', 'username' = 'weir',
      'password' = 'secret', 'table-name' = 'customers');
CREATE TABLE p (a INT, b STRING, v DECIMAL(20, 0))
WITH ('connector' = 'mysql', 'hostname' = '127.0.0.1', 'port' = '{port}', 'username' = 'weir',
      'password' = 'secret', 'database-name' = 'shop', 'table-name' = 'pairs');
CREATE TABLE many (a INT, b STRING, v INT)
WITH ('connector' = 'mysql', 'url' = 'jdbc:mariadb://127.0.0.1:{port}/shop', 'username' = 'weir',
      'password' = 'secret', 'table-name' = 'many');
CREATE TABLE out1 (id BIGINT, x STRING, y STRING) WITH ('connector' = 'print');
CREATE VIEW o AS SELECT id, customer, name, PROCTIME() AS proc
FROM (VALUES (1, 1, 'Ann'), (2, 2, 'bob'), (3, 3, 'Dan'), (4, CAST(NULL AS INT), 'dan'), (5, 4, 'x''y')) AS t(id, customer, name);
"""

LEFT = "FROM o LEFT JOIN {table} FOR SYSTEM_TIME AS OF o.proc AS d ON {on}"

# A query, and the rows it gives.
QUERIES = [
    ("SELECT id, name, CAST(credit AS STRING) FROM c",
     ["1, Ann, 1.50", "2, Bob, 2.00", "4, dan, NULL", "5, Dan, 0.00"]),
    ("SELECT a, b, CAST(v AS STRING) FROM p",
     ["1, p, 10", "1, q, 18446744073709551615", "2, p, 20", "2, p, 21", "NULL, p, 0"]),
    ("SELECT o.id, d.name, CAST(d.born AS STRING) " + LEFT.format(table="c", on="o.customer = d.id"),
     ["1, Ann, 2000-01-01", "2, Bob, NULL", "3, NULL, NULL", "4, NULL, NULL", "5, dan, 1999-12-31"]),
    # Text is compared exactly, whatever the collation.
    ("SELECT o.id, CAST(d.id AS STRING), d.kind " + LEFT.format(table="c", on="o.name = d.name"),
     ["1, 1, x", "2, NULL, NULL", "3, 5, y", "4, 4, x", "5, NULL, NULL"]),
    ("SELECT o.id, d.name, d.kind " + LEFT.format(table="c", on="o.customer = d.id AND d.kind = 'x' AND d.id < 4"),
     ["1, Ann, x", "2, NULL, NULL", "3, NULL, NULL", "4, NULL, NULL", "5, NULL, NULL"]),
    ("SELECT o.id, d.b, CAST(d.v AS STRING) "
     + LEFT.format(table="p", on="o.customer = d.a AND d.b = CASE WHEN o.id = 1 THEN 'q' ELSE 'p' END"),
     ["1, q, 18446744073709551615", "2, p, 20", "2, p, 21", "3, NULL, NULL", "4, NULL, NULL", "5, NULL, NULL"]),
    ("SELECT o.id, d.name, d.kind " + LEFT.format(
        table="c /*+ OPTIONS('lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '2') */",
        on="o.customer = d.id"),
     ["1, Ann, x", "2, Bob, y", "3, NULL, NULL", "4, NULL, NULL", "5, dan, x"]),
    ("SELECT o.id, d.name, d.kind " + LEFT.format(table="c /*+ OPTIONS('lookup.cache' = 'FULL') */",
                                                  on="LOWER(o.name) = LOWER(d.name)"),
     ["1, Ann, x", "2, Bob, y", "3, dan, x", "3, Dan, y", "4, dan, x", "4, Dan, y", "5, NULL, NULL"]),
    ("SELECT COUNT(*), CAST(SUM(v) AS STRING), CAST(MAX(a) AS STRING) FROM many", ["40000, 799980000, 39"]),
    ("SELECT COUNT(*), CAST(SUM(d.v) AS STRING), CAST(COUNT(d.v) AS STRING) FROM (SELECT a, b, PROCTIME() AS proc FROM "
     "many) AS m LEFT JOIN many FOR SYSTEM_TIME AS OF m.proc AS d ON m.a + 1 = d.a AND m.b = d.b",
     ["40000, 799480500, 39000"]),
]

REFUSED = [
    ("'port' = '1', 'password' = 'secret', 'table-name' = 'customers'", "id INT", ["could not connect", "It was tried 2 times"]),
    ("'password' = 'wrong', 'table-name' = 'customers'", "id INT", ["Access denied", 'Check "username"']),
    ("'password' = 'secret', 'table-name' = 'customer'", "id INT", ['table "shop.customer" does not exist']),
    ("'password' = 'secret', 'table-name' = 'customers'", "idd INT", ['has no column "idd"', 'Did you mean "id"?']),
    ("'password' = 'secret', 'table-name' = 'customers'", "id STRING", ["cannot be looked up as STRING"]),
]


class Failure(Exception):
    pass


def run(weir, sql, *arguments, timeout=60):
    done = subprocess.run([weir, "-q", *arguments, "-f", "-"], input=sql, capture_output=True, text=True,
                          timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


def fold(output):
    rows = []
    for line in output.splitlines():
        kind, row = line[:2], line[3:-1]
        if kind in ("+I", "+U"):
            rows.append(row)
        elif kind in ("-U", "-D"):
            rows.remove(row)
    return sorted(row.replace("'", "") for row in rows)


def check_queries(weir, tables):
    for query, expected in QUERIES:
        for parallelism in ("1", "2"):
            status, output, errors = run(weir, tables + "INSERT INTO out1 " + query + ";", "-D",
                                         "parallelism.default=" + parallelism)
            output = "\n".join(line.split("> ", 1)[-1] for line in output.splitlines())
            if status != 0 or fold(output) != sorted(expected):
                raise Failure(f"{query}\n{errors}\n" + "\n".join(fold(output)[:20]))


def check_refused(weir, port, tables):
    for options, column, wanted in REFUSED:
        port_option = "" if "'port'" in options else f"'port' = '{port}', "
        key = column.split()[0]
        value = f"CAST(o.id AS {column.split()[1]})"
        sql = (tables + f"CREATE TABLE bad ({column}) WITH ('connector' = 'mysql', 'hostname' = '127.0.0.1', "
               f"{port_option}'username' = 'weir', 'database-name' = 'shop', 'lookup.max-retries' = '1', {options});\n"
               f"INSERT INTO out1 SELECT o.id, '', '' FROM o JOIN bad FOR SYSTEM_TIME AS OF o.proc AS d "
               f"ON {value} = d.{key};")
        status, _, errors = run(weir, sql)
        missing = [text for text in wanted if text not in errors]
        if status == 0 or missing:
            raise Failure(f"{options}: not said: {missing}\n{errors}")


def check_comeback(weir, server, folder, tables):
    """The server goes away while rows come in: the job goes on from its checkpoint when it is back."""
    sql = tables + """
CREATE TABLE ticks (n BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '200',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '1600');
CREATE TABLE kept (n BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '%s/rows', 'format' = 'csv');
INSERT INTO kept SELECT t.n, d.name FROM ticks AS t LEFT JOIN c FOR SYSTEM_TIME AS OF t.proc AS d
ON CAST(MOD(t.n, 3) AS INT) = d.id;
""" % folder
    options = ["-D", "execution.checkpointing.dir=" + os.path.join(folder, "checkpoints"), "-D",
               "execution.checkpointing.interval=200 ms", "-D", "restart-strategy.type=fixed-delay", "-D",
               "restart-strategy.fixed-delay.attempts=100", "-D", "restart-strategy.fixed-delay.delay=300 ms"]
    with subprocess.Popen([weir, "-q", *options, "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as job:
        job.stdin.write(sql)
        job.stdin.close()
        time.sleep(2)
        server.kill()
        time.sleep(2)
        server.start()
        try:
            status = job.wait(timeout=60)
        except subprocess.TimeoutExpired:
            job.kill()
            raise Failure("the job did not come back") from None
        errors = job.stderr.read()
    if status != 0:
        raise Failure(errors)
    rows = []
    for path, _, names in os.walk(os.path.join(folder, "rows")):
        for name in names:
            with open(os.path.join(path, name), encoding="utf-8") as file:
                rows += file.read().split()
    names = {0: "", 1: "Ann", 2: "Bob"}
    expected = sorted(f"{n},{names[n % 3]}" for n in range(1, 1601))
    if sorted(rows) != expected:
        raise Failure(f"{len(rows)} rows, {len(set(rows))} different ones: {sorted(rows)[:5]}\n{errors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    parser.add_argument("--server", choices=("mariadb", "mysql"), required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--cache")
    options = parser.parse_args()
    folder = os.path.abspath(options.dir)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    server = servers.make(options.server, os.path.join(folder, "server"),
                          cache=options.cache or os.path.join(folder, "cache"))
    try:
        server.start()
    except servers.ServerError as error:
        print(f"SKIPPED, all of {server.kind}: {error}", flush=True)
        return 77
    weir = os.path.abspath(options.weir)
    tables = TABLES.format(port=server.port)
    connection = server.connect()
    for statement in ROWS:
        connection.query(statement)
    for a in range(40):
        connection.query("INSERT INTO shop.many VALUES " + ",".join(
            f"({a}, 'k{i:04}', {a * 1000 + i})" for i in range(1000)))
    checks = (lambda: check_queries(weir, tables), lambda: check_refused(weir, server.port, tables),
              lambda: check_comeback(weir, server, folder, tables))
    failed = 0
    for check in checks:
        try:
            check()
        except Failure as failure:
            failed += 1
            print(f"FAILED: {failure}", flush=True)
    server.stop()
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
