"""Rows that a server changes in ways of its own: system-versioned tables of MariaDB, whose history is in
the binlog beside the rows, and children of foreign keys, whose changes are not in it at all."""

import cdc
from test_modes import UNTIL

TABLE = "t: id INT NOT NULL KEY, v STRING"
CHANGES = ("INSERT INTO d.t(id, v) VALUES (3,'three'),(4,'four')",
           "UPDATE d.t SET v='THREE' WHERE id=3",
           "UPDATE d.t SET v='both' WHERE id IN (1,3)",
           "UPDATE d.t SET id=5 WHERE id=2",
           "DELETE FROM d.t WHERE id=1",
           "INSERT INTO d.t(id, v) VALUES (1,'again')",
           "REPLACE INTO d.t(id, v) VALUES (4,'replaced')",
           "BEGIN; INSERT INTO d.t(id, v) VALUES (6,'six'); UPDATE d.t SET v='SIX' WHERE id=6;"
           " DELETE FROM d.t WHERE id=6; COMMIT",
           "DELETE HISTORY FROM d.t",
           "INSERT INTO d.t(id, v) VALUES (-1,'end')")
PERIOD = ("a TIMESTAMP(6) GENERATED ALWAYS AS ROW START, b TIMESTAMP(6) GENERATED ALWAYS AS ROW END,"
          "PERIOD FOR SYSTEM_TIME(a, b)")


def make_versioned(bench, columns, tail="WITH SYSTEM VERSIONING"):
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(%s) ENGINE=InnoDB %s" % (columns, tail))
    bench.server.query("INSERT INTO d.t(id, v) VALUES (1,'one'),(2,'two')")
    bench.server.query("UPDATE d.t SET v='ONE' WHERE id=1")


def test_versioned(bench):
    """The rows are those that a plain SELECT gives, whatever the table remembers."""
    if not bench.is_mariadb:
        return
    wanted = ["+I[1, ONE]", "+I[2, two]", "+I[3, three]", "+I[4, four]",
              "-U[3, three]", "+U[3, THREE]", "-U[1, ONE]", "+U[1, both]", "-U[3, THREE]", "+U[3, both]",
              "-D[2, two]", "+I[5, two]", "-D[1, both]", "+I[1, again]", "-D[4, four]",
              "+I[4, replaced]", "+I[6, six]", "-U[6, six]", "+U[6, SIX]", "-D[6, SIX]", "+I[-1, end]"]
    for columns in ("id INT PRIMARY KEY, v VARCHAR(20)",
                    "id INT PRIMARY KEY, v VARCHAR(20), " + PERIOD,
                    PERIOD + ", v VARCHAR(20), id INT PRIMARY KEY"):
        make_versioned(bench, columns)
        journal = bench.journal()
        process = bench.start(TABLE, extra=["--journal", journal, "--every", 1, "--limit", 6])
        bench.wait_for(process, 0.3)
        for sql in CHANGES:
            bench.server.query(sql)
        bench.finish(process)
        bench.run(TABLE, extra=["--journal", journal, "--every", 1] + UNTIL)
        found = cdc.read_journal(journal)
        for pair in (["-D[4, four]", "+I[4, replaced]"], ["-U[4, four]", "+U[4, replaced]"]):
            if pair[0] in found:
                wanted[14:16] = pair
        cdc.expect_equal(found, wanted, "changes of (%s)" % columns)


def test_versioned_by_columns(bench):
    """The period's columns can be read; versioning can come and go; partitions of history may go."""
    if not bench.is_mariadb:
        return
    make_versioned(bench, "id INT PRIMARY KEY, v VARCHAR(20)")
    lines = bench.run("t: id INT NOT NULL KEY, row_end TIMESTAMP", {"scan.startup.mode": "snapshot"})
    cdc.expect_equal(lines[1], "+I[2, 2038-01-19 03:14:07.999999]", "the end of a current row")
    make_versioned(bench, "id INT PRIMARY KEY, v VARCHAR(20)", "")
    process = bench.start(TABLE, extra=UNTIL)
    bench.wait_for(process, 0.5)
    for sql in ("ALTER TABLE d.t ADD SYSTEM VERSIONING", "UPDATE d.t SET v='x' WHERE id=1",
                "ALTER TABLE d.t PARTITION BY SYSTEM_TIME LIMIT 1 (PARTITION p0 HISTORY, PARTITION p1 HISTORY,"
                " PARTITION now CURRENT)", "UPDATE d.t SET v='y' WHERE id=1",
                "ALTER TABLE d.t DROP PARTITION p0", "DELETE FROM d.t WHERE id=2",
                "SET system_versioning_alter_history = KEEP; ALTER TABLE d.t REMOVE PARTITIONING",
                "ALTER TABLE d.t DROP SYSTEM VERSIONING",
                "DELETE FROM d.t WHERE id=1", "INSERT INTO d.t VALUES (-1,'end')"):
        bench.server.query(sql)
        bench.wait_for(process, 0.2)
    cdc.expect_equal(bench.finish(process),
                     ["+I[1, ONE]", "+I[2, two]", "-U[1, ONE]", "+U[1, x]", "-U[1, x]", "+U[1, y]",
                      "-D[2, two]", "-D[1, y]", "+I[-1, end]"], "changes")


def test_versioned_by_transaction(bench):
    if not bench.is_mariadb:
        return
    make_versioned(bench, "id INT PRIMARY KEY, v VARCHAR(20), " + PERIOD.replace(
        "TIMESTAMP(6)", "BIGINT UNSIGNED"))
    error = bench.fails(TABLE)
    for word in ("d.t", "versioned by transaction", '"b"', "TIMESTAMP(6)"):
        cdc.expect(word in error, error)


def test_cascades(bench):
    """Only the parent's rows are logged: that is told at the start, and again where it happens. What is
    changed in the child itself is seen."""
    bench.fresh_database()
    bench.server.query(
        "CREATE TABLE d.p(id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB;"
        "CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(20), p INT, CONSTRAINT up FOREIGN KEY (p)"
        " REFERENCES d.p(id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB;"
        "INSERT INTO d.p VALUES (1,'a'),(2,'b'),(3,'c');"
        "INSERT INTO d.t VALUES (10,'x',1),(20,'y',2),(30,'z',3)")
    for tables in ("t: id INT NOT NULL KEY, v STRING, p INT",
                   ["p: id INT NOT NULL KEY, v STRING", "t: id INT NOT NULL KEY, v STRING, p INT"]):
        bench.server.query("REPLACE INTO d.p VALUES (1,'a'),(2,'b');"
                           "REPLACE INTO d.t VALUES (10,'x',1),(20,'y',2)")
        process = bench.start(tables, {"scan.startup.mode": "latest-offset"}, extra=UNTIL)
        bench.wait_for(process, 0.3)
        bench.server.query("UPDATE d.t SET v='seen' WHERE id=30")
        bench.server.query("UPDATE d.t SET v='z' WHERE id=30")
        bench.server.query("DELETE FROM d.p WHERE id=1")
        bench.server.query("UPDATE d.p SET id=4 WHERE id=2")
        bench.server.query("DELETE FROM d.t WHERE id=20")
        bench.server.query("DELETE FROM d.p WHERE id=4")
        bench.server.query("INSERT INTO d.t VALUES (-1,'end',NULL)")
        out, err = process.communicate(timeout=60)
        cdc.expect_equal(process.returncode, 0, err)
        child = ["-U[30, z, 3]", "+U[30, seen, 3]", "-U[30, seen, 3]", "+U[30, z, 3]", "-D[20, y, 4]",
                 "+I[-1, end, NULL]"]
        found = [line[2:] if isinstance(tables, list) else line for line in out.splitlines()
                 if not line.startswith("p ")]
        cdc.expect_equal(found, child, "changes of the child")
        cdc.expect('foreign key "up"' in err, "the start names the key: " + err)
        # MySQL does not even map the child.
        cdc.expect_equal(err.count("may have changed rows of it by foreign key"),
                         1 if bench.is_mariadb else 0, "the first place is told, once: " + err)
        bench.server.query("DELETE FROM d.t WHERE id=-1")


TESTS = [test_versioned, test_versioned_by_columns, test_versioned_by_transaction, test_cascades]
