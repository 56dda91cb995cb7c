"""Options: those of Flink CDC, Debezium and the JDBC driver that job files carry; servers that come late."""

import time

import cdc
from test_modes import TABLE, UNTIL, end, make, position

CHUNK = "scan.incremental.snapshot.chunk.size"
COLUMN = "scan.incremental.snapshot.chunk.key-column"
SNAPSHOT = {"scan.startup.mode": "snapshot"}


def said(bench, options, table=TABLE):
    """Standard error of a run that must end well."""
    process = bench.start(table, {**SNAPSHOT, **options})
    _, err = process.communicate(timeout=60)
    cdc.expect(process.returncode == 0, "the probe ended with %d: %s" % (process.returncode, err))
    return err


def test_without_effect(bench):
    """Hints for another way of reading are taken and told once."""
    make(bench, 1)
    hints = {"scan.snapshot.fetch.size": "100", "connection.pool.size": "5",
             "debezium.max.queue.size": "8192", "jdbc.properties.useUnicode": "true",
             "debezium.database.history.store.only.captured.tables.ddl": "true",
             "scan.incremental.close-idle-reader.enabled": "true",
             "scan.incremental.snapshot.backfill.skip": "true",
             "scan.incremental.snapshot.unbounded-chunk-first.enabled": "true",
             "scan.parse.online.schema.changes.enabled": "true", "chunk-meta.group.size": "100",
             "chunk-key.even-distribution.factor.upper-bound": "10",
             "chunk-key.even-distribution.factor.lower-bound": "0.5",
             "debezium.decimal.handling.mode": "string"}
    err = said(bench, hints)
    for option in hints:
        cdc.expect_equal(err.count('option "%s" has no effect: ' % option), 1, "notices of " + option)
    err = said(bench, {"debezium.snapshot.locking.mode": "none", "debezium.binary.handling.mode": "bytes",
                       "jdbc.properties.zeroDateTimeBehavior": "convertToNull"})
    cdc.expect("no effect" not in err, "what is done anyway needs no notice: " + err)


def test_refused(bench):
    make(bench, 1)
    for options, words in (
            ({"debezium.skipped.operations": "d"}, ("debezium.skipped.operations", "every change")),
            ({"debezium.snapshot.mode": "when_needed"}, ("when_needed", "initial_only")),
            ({"debezium.heartbeat.interval.ms": "5"}, ("heartbeat.interval", "same thing")),
            ({"debezium.no.such.thing": "1"}, ("no counterpart",)),
            ({"jdbc.properties.sessionVariables": "x=1"}, ("no counterpart",)),
            ({"jdbc.properties.useSSL": "perhaps"}, ("perhaps", "true")),
            ({"debezium.connect.timeout.ms": "soon"}, ("milliseconds",)),
            ({"scan.startup.specific-offset.skip-rows": "1"}, ("no meaning in this start mode",)),
            ({CHUNK: "-1"}, ("out of range",)),
            ({COLUMN: "w"}, ('has no column "w"', "chunk.key-column")),
            ({COLUMN: "v"}, ("cannot be read by column", "may be NULL"))):
        error = bench.fails(TABLE, options)
        for word in words:
            cdc.expect(word in error, "no %r in: %s" % (word, error))


def test_mapped(bench):
    make(bench, 2)
    cdc.expect_equal(bench.run(TABLE, {"debezium.snapshot.mode": "initial_only"}),
                     ["+I[0, old 0]", "+I[1, old 1]"], "initial_only")
    process = bench.start(TABLE, {"debezium.snapshot.mode": "schema_only"}, extra=UNTIL)
    bench.wait_for(process, 0.3)
    end(bench)
    cdc.expect_equal(bench.finish(process), ["+I[-1, end]"], "schema_only")
    cdc.expect_equal(len(bench.run(TABLE, {**SNAPSHOT, "jdbc.properties.useSSL": "false",
                                           "jdbc.properties.connectTimeout": "5000"})), 3, "rows")
    if not bench.is_mariadb:
        return
    error = bench.fails(TABLE, {**SNAPSHOT, "jdbc.properties.sslMode": "REQUIRED", "connect.max-retries": "0"})
    cdc.expect("TLS" in error or "SSL" in error, error)


def test_skip(bench):
    """Where a transaction that was read in part goes on, as Debezium's positions say it."""
    make(bench, 0)
    at = position(bench)
    bench.server.query("BEGIN; INSERT INTO d.t VALUES (1,'a'); INSERT INTO d.t VALUES (2,'b'),(3,'c'),(4,'d');"
                       "UPDATE d.t SET v='x' WHERE id=2; COMMIT; INSERT INTO d.t VALUES (5,'e')")
    end(bench)
    events = [row[2] for row in bench.server.query("SHOW BINLOG EVENTS IN '%s' FROM %s" % (at[0], at[1]))
              if row[2] != "Annotate_rows"]  # which nobody asked the server to send
    rows = [i for i, kind in enumerate(events) if "rows" in kind.lower()]
    # BEGIN counts as the first; MariaDB writes its GTID in its place.
    begin = next(i for i, kind in enumerate(events) if kind in ("Query", "Gtid") and (
        bench.is_mariadb or kind == "Query"))
    rest = ["+I[5, e]", "+I[-1, end]"]
    whole = ["+I[1, a]", "+I[2, b]", "+I[3, c]", "+I[4, d]", "-U[2, b]", "+U[2, x]"] + rest

    def run(skip_events, skip_rows, extra=()):
        return bench.run(TABLE, {
            "scan.startup.mode": "specific-offset", "scan.startup.specific-offset.file": at[0],
            "scan.startup.specific-offset.pos": at[1],
            "scan.startup.specific-offset.skip-events": str(skip_events),
            "scan.startup.specific-offset.skip-rows": str(skip_rows)}, extra=extra or UNTIL)

    cdc.expect_equal(run(0, 0), whole, "nothing skipped")
    cdc.expect_equal(run(rows[0] - begin + 1, 0), whole[1:], "the first rows event")
    cdc.expect_equal(run(rows[1] - begin, 2), whole[3:], "and two rows of the second")
    cdc.expect_equal(run(rows[2] - begin + 1, 0), rest, "all of it")
    cdc.expect_equal(run(1000, 0), rest, "more events than there are")
    # Batches of one transaction, with the reader killed between them: the same rows are passed over again.
    at = position(bench)
    bench.server.query("BEGIN; INSERT INTO d.t VALUES (99,'a'); INSERT INTO d.t VALUES " + ",".join(
        "(%d,'b')" % i for i in range(100, 6100)) + "; COMMIT; INSERT INTO d.t VALUES (-2,'over')")
    journal = bench.journal()
    for extra in (["--limit", 1], ["--limit", 100], ["--until", "over"]):
        run(rows[0] - begin + 1, 5, ["--journal", journal] + extra)
    cdc.expect_equal([cdc.read_journal(journal)[i] for i in (0, 5994, 5995)],
                     ["+I[105, b]", "+I[6099, b]", "+I[-2, over]"], "over restarts")


def test_chunks(bench):
    """A chunk size changes neither rows nor their order; the last chunk may be just full."""
    make(bench, 7)
    rows = ["+I[%d, old %d]" % (i, i) for i in range(7)]
    for size in (1, 3, 7, 100):
        cdc.expect_equal(bench.run(TABLE, {**SNAPSHOT, CHUNK: str(size)}), rows, "chunks of %d" % size)
    cdc.expect_equal(bench.run(TABLE, {**SNAPSHOT, CHUNK: "2", "scan.incremental.snapshot.enabled": "false"}),
                     rows, "not in chunks")
    process = bench.start(TABLE, {CHUNK: "2"}, extra=UNTIL)
    bench.wait_for(process, 0.5)
    bench.server.query("UPDATE d.t SET v='new' WHERE id IN (0, 6)")
    end(bench)
    cdc.expect_equal(bench.finish(process)[7:], ["-U[0, old 0]", "+U[0, new]", "-U[6, old 6]", "+U[6, new]",
                                                 "+I[-1, end]"], "changes")


def test_interrupted_without_key(bench):
    """Nothing in the middle of such a table is kept: the rows come again from its beginning."""
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT, v VARCHAR(100))")
    bench.server.query("INSERT INTO d.t VALUES " + ",".join("(%d,'x')" % (i % 50) for i in range(9000)))
    table = "t: id INT, v STRING"
    journal = bench.journal()
    bench.run(table, extra=["--journal", journal, "--limit", 3000])
    cdc.expect_equal(cdc.read_journal(journal), [], "nothing is durable")
    bench.server.query("DELETE FROM d.t WHERE id=7; INSERT INTO d.t VALUES (1,'x')")
    end(bench)
    bench.run(table, extra=["--journal", journal, "--idle", 800])
    found = cdc.fold(cdc.read_journal(journal), strict=False)[""]
    cdc.expect_equal((sum(found.values()), found["7, x"], found["1, x"]), (8822, 0, 181), "rows")


def test_server_comes_late(bench):
    """A server that is down when the reader starts, within connect.max-retries."""
    make(bench, 1)
    bench.server.stop()
    process = bench.start(TABLE, {**SNAPSHOT, "connect.max-retries": "20"})
    time.sleep(0.8)
    bench.server.start()
    out, err = process.communicate(timeout=60)
    cdc.expect(process.returncode == 0 and out == "+I[0, old 0]\n", "rows of a late server: " + out + err)
    cdc.expect("trying again in 500 ms" in err, "each try is told: " + err)


def test_no_connection_free(bench):
    """Connections that others hold come free again."""
    make(bench, 1)
    before = bench.server.query("SELECT @@max_connections")[0][0]
    bench.server.query("SET GLOBAL max_connections=10")
    held = []
    try:
        while True:
            held.append(bench.server.connect())
    except Exception as full:  # as many as there are
        cdc.expect("1040" in str(full) or "oo many" in str(full), "the server is full: %r" % full)
    process = bench.start(TABLE, {**SNAPSHOT, "connect.max-retries": "20"})
    time.sleep(0.6)
    for connection in held:
        connection.close()
    out, err = process.communicate(timeout=60)
    bench.server.query("SET GLOBAL max_connections=%s" % before)
    cdc.expect(process.returncode == 0 and out == "+I[0, old 0]\n", "rows of a full server: " + out + err)
    cdc.expect("oo many connections" in err, "the reason is told: " + err)


def test_open_transaction(bench):
    """A transaction that holds the table keeps the snapshot waiting, and nobody else for more than a moment."""
    make(bench, 1)
    holder = bench.server.connect(database="d")
    writer = bench.server.connect(database="d")
    holder.query("BEGIN")
    holder.query("UPDATE t SET v='held' WHERE id=0")
    process = bench.start(TABLE, SNAPSHOT)
    longest, deadline = 0, time.monotonic() + 5
    while time.monotonic() < deadline:
        began = time.monotonic()
        writer.query("REPLACE INTO t VALUES (1000, 'more')")
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.01)
    cdc.expect(longest < 2.5, "a writer stood still for %.1f s" % longest)
    if not bench.is_mariadb:
        cdc.expect(process.poll() is None, "the snapshot did not wait: %s" % "".join(process.communicate())
                   if process.poll() is not None else "")
        holder.query("COMMIT")
    out, err = process.communicate(timeout=60)
    if bench.is_mariadb:
        holder.query("COMMIT")
    first = "old 0" if bench.is_mariadb else "held"
    cdc.expect(process.returncode == 0 and "+I[0, %s]\n" % first in out, "rows after the wait: " + out + err)
    cdc.expect(bench.is_mariadb or "holds one of the tables" in err, "the wait is told: " + err)
    holder.close()
    writer.close()


def test_last_value_fills_a_part(bench):
    """Parts end between two values of the column a table is read by: the last value has none behind it."""
    key = {"scan.incremental.snapshot.chunk.key-column": "g", "scan.startup.mode": "snapshot",
           "scan.incremental.snapshot.chunk.size": "4"}
    for last in (1, 3, 4, 5, 40):
        bench.fresh_database()
        values = [1, 1, 2, 2] + [3] * last
        bench.server.query("CREATE TABLE d.t(g INT NOT NULL, v INT, KEY(g)) ENGINE=InnoDB;"
                           "INSERT INTO d.t VALUES " + ",".join(
                               "(%d,%d)" % (g, v) for v, g in enumerate(values)))
        lines = bench.run("t: g INT NOT NULL, v INT", key, extra=["--limit", 1000])
        cdc.expect_equal(sorted(lines), sorted("+I[%d, %d]" % (g, v) for v, g in enumerate(values)),
                         "rows with %d of the last value" % last)


TESTS = [test_last_value_fills_a_part,
         test_without_effect, test_refused, test_mapped, test_skip, test_chunks, test_interrupted_without_key,
         test_server_comes_late, test_no_connection_free, test_open_transaction]
