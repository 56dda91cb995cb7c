"""XA transactions: prepared at one place of the binlog, decided at another, with starts, restarts and
files between the two. MySQL 5.6 logs an XA transaction when it is committed, MariaDB when it is prepared
and again when it is decided."""

import random
import threading
import time

import cdc
from test_modes import TABLE, UNTIL, end, make

LATEST = {"scan.startup.mode": "latest-offset"}


def prepare(session, xid, *rows):
    session.query("XA START '%s'; INSERT INTO d.t VALUES %s; XA END '%s'; XA PREPARE '%s'"
                  % (xid, ",".join("(%d,'%s')" % row for row in rows), xid, xid))


def commit(session, xid):
    session.query("XA COMMIT '%s'" % xid)


def test_xa(bench):
    make(bench, 0)
    journal = bench.journal()
    extra = ["--journal", journal, "--limit", 1]
    process = bench.start(TABLE, LATEST, extra=extra)
    bench.wait_for(process, 0.3)
    holder = bench.server.connect()
    holder.query("XA START 'a','b',3; INSERT INTO d.t VALUES (1,'prepared'); XA END 'a','b',3;"
                 "XA PREPARE 'a','b',3")
    other = bench.server.connect()
    other.query("INSERT INTO d.t VALUES (2,'between')")
    bench.finish(process)
    cdc.expect_equal(cdc.read_journal(journal), ["+I[2, between]"],
                     "a prepared transaction is not given")
    holder.query("XA COMMIT 'a','b',3")
    other.query("XA START 'r'; INSERT INTO d.t VALUES (3,'rolled back'); XA END 'r';"
                "XA PREPARE 'r'; XA ROLLBACK 'r'")
    other.query("XA START 'o'; INSERT INTO d.t VALUES (4,'one phase'); XA END 'o';"
                "XA COMMIT 'o' ONE PHASE")
    other.query("XA START 'n'; SELECT * FROM d.t; XA END 'n'; XA PREPARE 'n'; XA COMMIT 'n'")
    other.query("XA START 'n'; XA END 'n'; XA PREPARE 'n'; XA COMMIT 'n'")
    other.close()
    holder.close()
    end(bench)
    bench.run(TABLE, LATEST, extra=["--journal", journal] + UNTIL)
    cdc.expect_equal(cdc.read_journal(journal),
                     ["+I[2, between]", "+I[1, prepared]", "+I[4, one phase]", "+I[-1, end]"],
                     "XA")


def test_large_xa(bench):
    """More than is kept in memory; and again from the binlog, by a reader that was started later."""
    if not bench.is_mariadb:
        return
    make(bench, 0)
    early, late = bench.journal(), bench.journal()
    process = bench.start(TABLE, LATEST, extra=["--journal", early] + UNTIL)
    bench.wait_for(process, 0.3)
    server = bench.server.connect(database="d")
    server.query("XA START 'large'")
    for start in range(0, 200000, 10000):
        server.query("INSERT INTO t VALUES " + ",".join(
            "(%d,'%080d')" % (i, i) for i in range(start, start + 10000)))
    server.query("XA END 'large'; XA PREPARE 'large'")
    second = bench.start(TABLE, LATEST, extra=["--journal", late] + UNTIL)
    time.sleep(0.5)
    commit(server, "large")
    server.close()
    end(bench)
    for process, journal in ((process, early), (second, late)):
        bench.finish(process)
        found = cdc.fold(cdc.read_journal(journal))[""]
        cdc.expect_equal(len(found), 200001, "rows")


def test_xa_over_restarts(bench):
    """Killed and restored while transactions are prepared that overlap without end: nothing is lost,
    and the position goes on all the same, past files that are over."""
    make(bench, 0)
    journal = bench.journal()
    extra = ["--journal", journal, "--every", 1]
    sessions = [bench.server.connect() for _ in range(3)]
    process = bench.start(TABLE, LATEST, extra=extra)
    bench.wait_for(process, 0.3)
    wanted = []
    prepare(sessions[0], "x0", (0, "xa 0"))
    for i in range(1, 9):
        bench.server.query("INSERT INTO d.t VALUES (%d,'plain')" % (100 + i))
        prepare(sessions[i % 3], "x%d" % i, (i, "xa %d" % i), (50 + i, "xa too"))
        if i % 2 == 0:
            time.sleep(0.3)
            cdc.kill(process)
            process = bench.start(TABLE, LATEST, extra=extra)
            bench.wait_for(process, 0.2)
        if i % 3 == 0:
            bench.flush()
        if i == 4:
            sessions[(i - 1) % 3].query("XA ROLLBACK 'x3'")
        else:
            commit(sessions[(i - 1) % 3], "x%d" % (i - 1))
            wanted += ["%d, xa %d" % (i - 1, i - 1)] + (["%d, xa too" % (49 + i)] if i > 1 else [])
        wanted.append("%d, plain" % (100 + i))
    time.sleep(0.3)
    cdc.kill(process)
    commit(sessions[2], "x8")
    wanted += ["8, xa 8", "58, xa too", "-1, end"]
    end(bench)
    bench.run(TABLE, LATEST, extra=extra + UNTIL)
    found = cdc.fold(cdc.read_journal(journal))[""]
    cdc.expect_equal(sorted(found), sorted(wanted), "rows")


def test_xa_prepared_before_start(bench):
    """The start lies between PREPARE and COMMIT: the rows are found in the binlog before it, in the
    newest transaction of that name."""
    # On MySQL the snapshot's short lock waits for what is prepared.
    for mode in ("latest-offset", "initial") if bench.is_mariadb else ("latest-offset",):
        make(bench, 1)
        session, same = bench.server.connect(), bench.server.connect()
        prepare(same, "again", (7, "older"))
        commit(same, "again")
        prepare(session, "first", (5, "one"), (6, "two"))
        bench.flush()
        prepare(same, "again", (8, "newer"))
        bench.flush()
        bench.flush()
        process = bench.start(TABLE, {"scan.startup.mode": mode}, extra=UNTIL)
        bench.wait_for(process, 0.5)
        commit(session, "first")
        bench.server.query("INSERT INTO d.t VALUES (9,'behind')")
        commit(same, "again")
        session.close()
        same.close()
        end(bench)
        snapshot = ["+I[0, old 0]", "+I[7, older]"] if mode == "initial" else []
        cdc.expect_equal(bench.finish(process),
                         snapshot + ["+I[5, one]", "+I[6, two]", "+I[9, behind]", "+I[8, newer]",
                                     "+I[-1, end]"], "rows from " + mode)


def test_xa_by_time(bench):
    """Rows are of the time their transaction is committed."""
    if not bench.is_mariadb:
        return
    make(bench, 0)
    session, early = bench.server.connect(), bench.server.connect()
    prepare(session, "t", (1, "prepared before"))
    prepare(early, "e", (2, "committed before"))
    commit(early, "e")
    time.sleep(2.1)
    began = int(time.time() * 1000)
    time.sleep(0.1)
    process = bench.start(TABLE, {"scan.startup.mode": "timestamp",
                                  "scan.startup.timestamp-millis": str(began)}, extra=UNTIL)
    bench.wait_for(process, 0.3)
    commit(session, "t")
    session.close()
    early.close()
    end(bench)
    cdc.expect_equal(bench.finish(process), ["+I[1, prepared before]", "+I[-1, end]"], "rows")


def test_xa_keeps_the_binlog(bench):
    """MariaDB purges no file that a prepared transaction may need."""
    if not bench.is_mariadb:
        return
    make(bench, 0)
    bench.wait_quiet()
    session = bench.server.connect()
    prepare(session, "p", (1, "prepared"))
    bench.flush()
    bench.flush()
    last = bench.server.query("SHOW BINARY LOGS")[-1][0]
    bench.server.query("PURGE BINARY LOGS TO '%s'" % last)
    process = bench.start(TABLE, LATEST, extra=UNTIL)
    bench.wait_for(process, 0.3)
    commit(session, "p")
    session.close()
    end(bench)
    cdc.expect_equal(bench.finish(process), ["+I[1, prepared]", "+I[-1, end]"], "rows")


def test_xa_seam(bench):
    """Snapshots that begin while XA transactions are prepared and committed."""
    make(bench, 0)
    stop = threading.Event()
    rows = [0, 0]

    def write(number):
        session = bench.server.connect()
        while not stop.is_set():
            rows[number] += 1
            xid = "w%d-%d" % (number, rows[number])
            prepare(session, xid, (rows[number] * 2 + number, "xa"))
            commit(session, xid)
        session.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        journals = []
        for _ in range(8):
            journal = bench.journal()
            bench.run(TABLE, extra=["--journal", journal, "--every", 1, "--limit",
                                    sum(rows) + random.randint(20, 60)])
            journals.append(journal)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    end(bench)
    wanted = sorted("%s, %s" % tuple(row) for row in bench.server.query("SELECT * FROM d.t"))
    for journal in journals:
        bench.run(TABLE, extra=["--journal", journal, "--every", 1] + UNTIL)
        found = sorted(cdc.fold(cdc.read_journal(journal))[""])
        missing = sorted(set(wanted) - set(found))
        cdc.expect(found == wanted, "%d rows of %d are missing: %r"
                   % (len(missing), len(wanted), missing[:5]))


TESTS = [test_xa, test_large_xa, test_xa_over_restarts, test_xa_prepared_before_start, test_xa_by_time,
         test_xa_keeps_the_binlog, test_xa_seam]
