"""Start modes, positions, transactions, XA, several tables, metadata, reconnecting."""

import os
import time

import cdc

TABLE = "t: id INT NOT NULL KEY, v STRING"


def make(bench, rows=3):
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=InnoDB")
    for i in range(rows):
        bench.server.query("INSERT INTO d.t VALUES (%d, 'old %d')" % (i, i))


def end(bench):
    bench.server.query("INSERT INTO d.t VALUES (-1, 'end')")


UNTIL = ["--until", "[-1, end"]


def test_snapshot_only(bench):
    make(bench)
    lines = bench.run(TABLE, {"scan.startup.mode": "snapshot"})
    cdc.expect_equal(lines, ["+I[0, old 0]", "+I[1, old 1]", "+I[2, old 2]"], "snapshot")


def test_empty_table(bench):
    make(bench, 0)
    cdc.expect_equal(bench.run(TABLE, {"scan.startup.mode": "snapshot"}), [], "snapshot")
    process = bench.start(TABLE, extra=UNTIL)
    bench.wait_for(process, 0.5)
    end(bench)
    cdc.expect_equal(bench.finish(process), ["+I[-1, end]"], "initial")


def test_latest(bench):
    make(bench)
    process = bench.start(TABLE, {"scan.startup.mode": "latest-offset"}, extra=UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("UPDATE d.t SET v='new' WHERE id=1")
    end(bench)
    cdc.expect_equal(bench.finish(process),
                     ["-U[1, old 1]", "+U[1, new]", "+I[-1, end]"], "latest-offset")


def test_earliest(bench):
    bench.server.query("RESET MASTER")
    make(bench)
    bench.server.query("DELETE FROM d.t WHERE id=2")
    end(bench)
    lines = bench.run(TABLE, {"scan.startup.mode": "earliest-offset"}, extra=UNTIL)
    cdc.expect_equal(lines, ["+I[0, old 0]", "+I[1, old 1]", "+I[2, old 2]", "-D[2, old 2]",
                             "+I[-1, end]"], "earliest-offset")


def position(bench):
    return bench.server.query("SHOW MASTER STATUS")[0]


def gtids(bench):
    if bench.is_mariadb:
        return bench.server.query("SELECT @@gtid_binlog_pos")[0][0]
    return position(bench)[4].replace("\n", "")


def test_specific_file(bench):
    make(bench)
    at = position(bench)
    bench.server.query("UPDATE d.t SET v='new' WHERE id=1")
    end(bench)
    lines = bench.run(TABLE, {"scan.startup.mode": "specific-offset",
                              "scan.startup.specific-offset.file": at[0],
                              "scan.startup.specific-offset.pos": at[1]}, extra=UNTIL)
    cdc.expect_equal(lines, ["-U[1, old 1]", "+U[1, new]", "+I[-1, end]"], "file and position")


def test_specific_gtid(bench):
    make(bench)
    at = gtids(bench)
    bench.flush()
    bench.server.query("UPDATE d.t SET v='new' WHERE id=1")
    bench.flush()
    end(bench)
    lines = bench.run(TABLE, {"scan.startup.mode": "specific-offset",
                              "scan.startup.specific-offset.gtid-set": at}, extra=UNTIL)
    cdc.expect_equal(lines, ["-U[1, old 1]", "+U[1, new]", "+I[-1, end]"], "GTID set")
    other = "0-1-5" if not bench.is_mariadb else "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
    error = bench.fails(TABLE, {"scan.startup.mode": "specific-offset",
                                "scan.startup.specific-offset.gtid-set": other})
    cdc.expect("invalid GTID set" in error and "the server is" in error, error)


def test_timestamp(bench):
    make(bench)
    bench.flush()
    time.sleep(1.1)
    now = int(time.time())
    time.sleep(0.1)
    bench.server.query("INSERT INTO d.t VALUES (7, 'later')")
    bench.flush()
    end(bench)
    lines = bench.run(TABLE, {"scan.startup.mode": "timestamp",
                              "scan.startup.timestamp-millis": str(now * 1000)}, extra=UNTIL)
    cdc.expect_equal(lines, ["+I[7, later]", "+I[-1, end]"], "timestamp")


def test_metadata(bench):
    make(bench, 1)
    table = TABLE + "; table_name, database_name, op_ts, row_kind, gtid, binlog_file, binlog_pos"
    process = bench.start(table, extra=UNTIL)
    bench.wait_for(process, 0.3)
    before = position(bench)
    end(bench)
    lines = bench.finish(process)
    cdc.expect(lines[0].startswith("+I[0, old 0, t, d, 1970-01-01 00:00:00.000, +I, NULL, "), lines[0])
    cdc.expect("+I, " in lines[1] and ", %s, %s]" % (before[0], before[1]) in lines[1], lines[1])
    gtid = lines[1].split(", ")[6]
    wanted = gtids(bench)
    cdc.expect(gtid in wanted if bench.is_mariadb else gtid.split(":")[0] in wanted,
               "%s in %s" % (gtid, wanted))


def test_append_only(bench):
    make(bench, 1)
    process = bench.start(TABLE + "; row_kind", {
        "scan.read-changelog-as-append-only.enabled": "true",
        "scan.startup.mode": "latest-offset"}, extra=UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("UPDATE d.t SET v='x' WHERE id=0; DELETE FROM d.t")
    end(bench)
    cdc.expect_equal(bench.finish(process),
                     ["+I[0, old 0, -U]", "+I[0, x, +U]", "+I[0, x, -D]", "+I[-1, end, +I]"],
                     "append only")


def test_changed_key(bench):
    make(bench)
    process = bench.start(TABLE, {"scan.startup.mode": "latest-offset"}, extra=UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("UPDATE d.t SET id=50 WHERE id=2")
    end(bench)
    cdc.expect_equal(bench.finish(process),
                     ["-D[2, old 2]", "+I[50, old 2]", "+I[-1, end]"], "a changed primary key")


def test_transactions(bench):
    """Roll-backs, save points, several tables in one statement, a second engine."""
    make(bench)
    bench.server.query("CREATE TABLE d.u(id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=InnoDB;"
                       "CREATE TABLE d.m(id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=MyISAM")
    tables = [TABLE, "u: id INT NOT NULL KEY, v STRING", "m: id INT NOT NULL KEY, v STRING"]
    journal = bench.journal()
    process = bench.start(tables, extra=["--until", "[-1, end", "--journal", journal])
    bench.wait_for(process, 0.5)
    bench.server.query(
        "BEGIN; INSERT INTO d.t VALUES (10,'a'); INSERT INTO d.u VALUES (10,'a'); COMMIT;"
        "BEGIN; INSERT INTO d.t VALUES (11,'b'); ROLLBACK;"
        "BEGIN; INSERT INTO d.t VALUES (12,'c'); SAVEPOINT s; INSERT INTO d.u VALUES (12,'c');"
        "ROLLBACK TO s; INSERT INTO d.t VALUES (13,'d'); COMMIT;"
        "INSERT INTO d.m VALUES (1,'my'),(2,'isam');"
        "UPDATE d.t, d.u SET d.t.v='both', d.u.v='both' WHERE d.t.id=10 AND d.u.id=10")
    end(bench)
    bench.finish(process)
    found = cdc.fold(cdc.read_journal(journal))
    cdc.expect_equal(sorted(found["u"]), ["10, both"], "u")
    cdc.expect_equal(sorted(found["m"]), ["1, my", "2, isam"], "m")
    cdc.expect_equal(sorted(found["t"]), ["-1, end", "0, old 0", "1, old 1", "10, both", "12, c",
                                          "13, d", "2, old 2"], "t")


def test_one_table_twice(bench):
    """Two declarations of one table, one of them by a regular expression."""
    make(bench)
    bench.server.query("CREATE TABLE d.t2 LIKE d.t; INSERT INTO d.t2 VALUES (5,'five')")
    journal = bench.journal()
    process = bench.start(["a: id INT NOT NULL KEY", "b: id INT NOT NULL KEY, v STRING"],
                          {"table-name": "t[2]?"},
                          extra=["--until", "b +I[-1, end", "--journal", journal])
    bench.wait_for(process, 0.5)
    end(bench)
    bench.finish(process)
    found = cdc.fold(cdc.read_journal(journal))
    cdc.expect_equal(sorted(found["a"]), ["-1", "0", "1", "2", "5"], "a")
    cdc.expect_equal(sorted(found["b"]), ["-1, end", "0, old 0", "1, old 1", "2, old 2", "5, five"],
                     "b")


def test_large_transaction(bench):
    """One transaction of many events, interrupted in its middle again and again."""
    make(bench, 0)
    journal = bench.journal()
    process = bench.start(TABLE, {"scan.startup.mode": "latest-offset"},
                          extra=["--journal", journal, "--limit", 1])
    bench.wait_for(process, 0.3)
    bench.server.query("INSERT INTO d.t VALUES (-5, 'first')")
    bench.finish(process)
    server = bench.server.connect(database="d")
    server.query("BEGIN")
    for start in range(0, 40000, 4000):
        server.query("INSERT INTO t VALUES " + ",".join(
            "(%d,'row')" % i for i in range(start, start + 4000)))
    server.query("UPDATE t SET v='all' WHERE id >= 0")
    server.query("COMMIT")
    server.close()
    end(bench)
    for _ in range(6):
        bench.run(TABLE, {"scan.startup.mode": "latest-offset"},
                  extra=["--journal", journal, "--limit", 15000])
    bench.run(TABLE, {"scan.startup.mode": "latest-offset"},
              extra=["--journal", journal] + UNTIL)
    found = cdc.fold(cdc.read_journal(journal))[""]
    cdc.expect_equal(len(found), 40002, "rows")
    cdc.expect(found["39999, all"] == 1, "the last row")


def test_large_event(bench):
    """A row of 40 MB: several packets of the protocol."""
    make(bench, 0)
    bench.server.query("CREATE TABLE d.big(id INT PRIMARY KEY, v LONGTEXT) ENGINE=MyISAM")
    process = bench.start("big: id INT NOT NULL KEY, v STRING",
                          {"scan.startup.mode": "latest-offset"}, extra=["--limit", 2])
    bench.wait_for(process, 0.3)
    bench.server.query("INSERT INTO d.big VALUES (1, REPEAT('x', 40000000)), (2, 'small')")
    lines = bench.finish(process)
    cdc.expect_equal([len(lines[0]), lines[1]], [40000000 + len("+I[1, ]"), "+I[2, small]"], "rows")


def test_reconnect(bench):
    """The server restarts while the reader waits and while it is in a transaction."""
    make(bench)
    journal = bench.journal()
    process = bench.start(TABLE, {"connect.max-retries": "20"},
                          extra=["--journal", journal] + UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("INSERT INTO d.t VALUES (20,'before')")
    bench.server.stop()
    time.sleep(0.7)
    bench.server.start()
    bench.server.query("UPDATE d.t SET v='after' WHERE id=20")
    rows = bench.server.query("SHOW PROCESSLIST")
    for row in rows:
        if "Binlog Dump" in str(row):
            bench.server.query("KILL %s" % row[0])
    end(bench)
    bench.finish(process)
    cdc.expect_equal(cdc.read_journal(journal)[3:],
                     ["+I[20, before]", "-U[20, before]", "+U[20, after]", "+I[-1, end]"],
                     "over a restart")


def test_position_of_quiet_table(bench):
    """Changes of other tables move the position, so that a purge does no harm."""
    make(bench, 1)
    bench.server.query("CREATE TABLE d.other(id INT PRIMARY KEY)")
    journal = bench.journal()
    bench.run(TABLE, extra=["--journal", journal, "--idle", 600])
    bench.server.query("INSERT INTO d.other VALUES (1)")
    bench.flush()
    bench.server.query("INSERT INTO d.other VALUES (2)")
    bench.run(TABLE, extra=["--journal", journal, "--idle", 2500])
    bench.wait_quiet()
    bench.server.query("PURGE BINARY LOGS TO '%s'" % position(bench)[0])
    end(bench)
    bench.run(TABLE, extra=["--journal", journal] + UNTIL)
    cdc.expect_equal(cdc.read_journal(journal), ["+I[0, old 0]", "+I[-1, end]"], "after a purge")


def test_new_table(bench):
    """A table that comes to match while the job runs, and one that does while it is down."""
    make(bench, 1)
    journal = bench.journal()
    extra = ["--journal", journal]
    options = {"table-name": "t.*", "scan.newly-added-table.enabled": "true"}
    process = bench.start(TABLE, options, extra=extra + UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("CREATE TABLE d.tt(id INT PRIMARY KEY, v VARCHAR(100));"
                       "INSERT INTO d.tt VALUES (100,'born later')")
    end(bench)
    bench.finish(process)
    bench.server.query("CREATE TABLE d.ttt(id INT PRIMARY KEY, v VARCHAR(100)); SET sql_log_bin=0;"
                       "INSERT INTO d.ttt VALUES (200,'unlogged'); SET sql_log_bin=1;"
                       "INSERT INTO d.ttt VALUES (201,'logged')")
    bench.run(TABLE, options, extra=extra + ["--idle", 1500])
    bench.server.query("INSERT INTO d.ttt VALUES (202,'last')")
    bench.run(TABLE, options, extra=extra + ["--until", "last"])
    cdc.expect_equal(sorted(cdc.fold(cdc.read_journal(journal))[""]),
                     ["-1, end", "0, old 0", "100, born later", "200, unlogged", "201, logged",
                      "202, last"], "new tables")


def test_no_primary_key(bench):
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT, v VARCHAR(100));"
                       "INSERT INTO d.t VALUES (1,'a'),(1,'a'),(2,NULL)")
    process = bench.start("t: id INT, v STRING", extra=UNTIL)
    bench.wait_for(process, 0.3)
    bench.server.query("DELETE FROM d.t WHERE id=1 LIMIT 1")
    end(bench)
    lines = bench.finish(process)
    cdc.expect_equal(sorted(lines[:3]), ["+I[1, a]", "+I[1, a]", "+I[2, NULL]"], "snapshot")
    cdc.expect_equal(lines[3:], ["-D[1, a]", "+I[-1, end]"], "changes")


TESTS = [test_snapshot_only, test_empty_table, test_latest, test_earliest, test_specific_file,
         test_specific_gtid, test_timestamp, test_metadata, test_append_only, test_changed_key,
         test_transactions, test_one_table_twice, test_large_transaction, test_large_event,
         test_reconnect, test_position_of_quiet_table, test_new_table,
         test_no_primary_key]
