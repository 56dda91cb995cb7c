"""The sqlite connector: read, append, upsert, what does not fit."""

import sqlite3

from program import check, datagen, sqlite, wait_for

KEYED = "k BIGINT, c BIGINT, v STRING, PRIMARY KEY (k) NOT ENFORCED"


def make(bench, sql, path="out.db"):
    with sqlite3.connect(bench.path(path)) as database:
        database.executescript(sql)


def test_sqlite_source(bench):
    make(bench, "CREATE TABLE t (a INTEGER, b TEXT, c REAL, d BLOB);"
         "INSERT INTO t VALUES (1, 'x', 1.5, x'00ff'), (2, NULL, NULL, NULL), (9007199254740993, 'ä', -0.5, x'')")
    rows = bench.changes(sqlite("t", "b STRING, a BIGINT, c DOUBLE") + "SELECT a, b, c FROM t")
    check(rows == ["+I[1, x, 1.5]", "+I[2, NULL, NULL]", "+I[9007199254740993, ä, -0.5]"], "rows", rows)
    bench.bad("-e", sqlite("t", "nope INT") + "SELECT * FROM t", says="nope")
    bench.bad("-e", sqlite("t", "bb STRING") + "SELECT * FROM t", says='Did you mean "b"')
    bench.bad("-e", sqlite("t", "a BIGINT", path="missing.db") + "SELECT * FROM t", says="missing.db")
    bench.bad("-e", sqlite("t", "a BIGINT", table="u") + "SELECT * FROM t", says='"u"')
    bench.bad("-e", sqlite("t", "b INT") + "SELECT * FROM t", says=["b", "x|ä"])
    bench.write("text.db", "this is no database" * 100)
    bench.bad("-e", sqlite("t", "a BIGINT", path="text.db") + "SELECT * FROM t", says="no SQLite file")


def test_sqlite_append(bench):
    sql = sqlite("o", "a INT, b STRING, d DECIMAL(5, 2), ts TIMESTAMP(3), ok BOOLEAN")
    insert = "INSERT INTO o VALUES (1, 'x', 1.10, TIMESTAMP '2020-01-01 00:00:00', TRUE), (2, NULL, NULL, NULL, NULL)"
    bench.good("-e", sql + insert)
    bench.good("-e", sql + insert)
    check(bench.rows("out.db", "SELECT a, b, COUNT(*) FROM t GROUP BY a ORDER BY a") == [(1, "x", 2), (2, None, 2)],
          "rows are appended")
    rows = bench.changes(sql + "SELECT * FROM o")
    check(sorted(rows)[0] == "+I[1, x, 1.10, 2020-01-01 00:00:00.000, TRUE]", "read back", rows)
    bench.bad("-e", datagen(rows=5) + sqlite("p", "c BIGINT", table="p") + "INSERT INTO p SELECT COUNT(*) FROM g",
              says="update|key")


def test_sqlite_upsert(bench):
    sql = datagen(rows=10000) + sqlite("o", KEYED)
    bench.good("-e", sql + "INSERT INTO o SELECT MOD(i, 7), COUNT(*), CAST(MAX(i) AS STRING) FROM g GROUP BY MOD(i, 7)")
    expected = [(k, len(range(k or 7, 10001, 7)), str(max(range(k or 7, 10001, 7)))) for k in range(7)]
    check(bench.rows("out.db", "SELECT k, c, v FROM t ORDER BY k") == expected, "counts")
    bench.good("-e", sql + "INSERT INTO o VALUES (3, 33, 'new'), (8, 88, NULL)")
    rows = bench.rows("out.db", "SELECT k, c, v FROM t WHERE k IN (3, 8) ORDER BY k")
    check(rows == [(3, 33, "new"), (8, 88, None)], "a second job upserts", rows)


def test_sqlite_mismatch(bench):
    make(bench, "CREATE TABLE t (k INTEGER, c TEXT)")
    insert = "INSERT INTO o VALUES (1, 2, 'x')"
    bench.bad("-e", sqlite("o", KEYED) + insert, says=['"t"', "key|unique|column"])
    make(bench, "DROP TABLE t; CREATE TABLE t (k INTEGER PRIMARY KEY, c INTEGER)")
    bench.bad("-e", sqlite("o", KEYED) + insert, says=['"t"', '"v"'])
    make(bench, "DROP TABLE t; CREATE TABLE t (k INTEGER PRIMARY KEY, c INTEGER, v TEXT, w TEXT NOT NULL)")
    bench.bad("-e", sqlite("o", KEYED) + insert, says=['"t"', "w"])
    make(bench, "DROP TABLE t; CREATE TABLE t (v TEXT, c INTEGER, extra TEXT, k INTEGER PRIMARY KEY)")
    bench.good("-e", sqlite("o", KEYED) + insert)
    check(bench.rows("out.db", "SELECT k, c, v, extra FROM t") == [(1, 2, "x", None)], "columns by name")


def test_not_null(bench):
    sql = sqlite("o", "a INT NOT NULL, b STRING") + "CREATE VIEW v AS SELECT * FROM (VALUES (1, 'x'), (CAST(NULL AS INT), 'y'), (3, NULL)) AS t(a, b);"
    insert = "INSERT INTO o SELECT * FROM v"
    bench.bad("-e", sql + insert, says=['"a"', "NULL", "hint: "])
    bench.good("-e", sql + "SET 'table.exec.sink.not-null-enforcer' = 'DROP';" + insert)
    check(bench.rows("out.db", "SELECT a, b FROM t ORDER BY a") == [(1, "x"), (3, None)], "the row is dropped")


def test_sqlite_locked(bench):
    """A reader sees whole transactions while the job writes."""
    bench.write("job.sql", datagen(per_second=2000, end=3000) + sqlite("o", "k BIGINT, c BIGINT, PRIMARY KEY (k) NOT ENFORCED") +
                "SET 'execution.checkpointing.dir' = 'cp'; SET 'execution.checkpointing.interval' = '50 ms';"
                "INSERT INTO o SELECT MOD(i, 2), COUNT(*) FROM g GROUP BY MOD(i, 2)")
    child = bench.start("-f", "job.sql")
    wait_for(lambda: bench.path("out.db") and _count(bench) > 0, "rows in the sink")
    seen = set()
    while child.poll() is None:
        seen.add(_count(bench))
    done = bench.finish(child)
    check(done.status == 0 and len(seen) > 1, "readers and the job", done)
    check(bench.rows("out.db", "SELECT SUM(c) FROM t") == [(3000,)], "the end")


def _count(bench):
    try:
        return bench.rows("out.db", "SELECT COALESCE(SUM(c), 0) FROM t")[0][0]
    except sqlite3.OperationalError:
        return 0


TESTS = [test_sqlite_source, test_sqlite_append, test_sqlite_upsert, test_sqlite_mismatch, test_not_null,
         test_sqlite_locked]
