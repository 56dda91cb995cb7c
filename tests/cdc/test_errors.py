"""What must stop a job, and what must not: grants, settings, definitions, positions."""

import time

import cdc

TABLE = "t: id INT NOT NULL KEY, v STRING"
UNTIL = ["--until", "[-1, end"]


def make(bench):
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=InnoDB;"
                       "INSERT INTO d.t VALUES (1,'one'),(2,'two')")


def expect_words(error, *words):
    for word in words:
        cdc.expect(word in error, "no %r in: %s" % (word, error))


def test_unreachable(bench):
    error = bench.fails(TABLE, {"port": str(cdc.servers.free_port()), "connect.timeout": "2 s",
                                "connect.max-retries": "0"})
    expect_words(error, "error (network)", "could not connect", "hostname")


def test_wrong_password(bench):
    error = bench.fails(TABLE, {"password": "wrong"})
    expect_words(error, "error (access)", "username")
    cdc.expect("wrong" not in error.replace("wrong password", ""), "the password is not shown")


def test_bad_options(bench):
    make(bench)
    for options, words in (
            ({"scan.startup.mode": "later"}, ("error (option)", "latest-offset")),
            ({"server-id": "5-4"}, ("server-id", "range")),
            ({"table-name": "(t"}, ("table-name", "regular expression")),
            ({"hostnam": "x"}, ("hostnam", "hostname")),
            ({"scan.startup.mode": "specific-offset"}, ("needs a place to start",)),
            ({"scan.startup.timestamp-millis": "5"}, ("go together",)),
            ({"debezium.snapshot.mod": "never"}, ("no counterpart", "debezium.snapshot.mode")),
            ({"server-time-zone": "Mars/Crater"}, ("Mars/Crater",))):
        expect_words(bench.fails(TABLE, options), *words)


def test_no_such_table(bench):
    make(bench)
    error = bench.fails(TABLE, {"table-name": "tt"})
    expect_words(error, "no table of the server matches", 'Did you mean "d.t"?')


def user(bench, name, grants):
    bench.server.query("DROP USER '%s'@'127.0.0.1'" % name if bench.server.query(
        "SELECT 1 FROM mysql.user WHERE user='%s'" % name) else "DO 1")
    bench.server.query("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY 'pw'" % name)
    for grant in grants:
        bench.server.query("GRANT %s TO '%s'@'127.0.0.1'" % (grant, name))
    return {"username": name, "password": "pw"}


def test_missing_grants(bench):
    make(bench)
    client = "BINLOG MONITOR ON *.*" if bench.is_mariadb else "REPLICATION CLIENT ON *.*"
    error = bench.fails(TABLE, user(bench, "only_select", ["SELECT ON d.*"]))
    expect_words(error, "error (access)", "REPLICATION CLIENT")
    error = bench.fails(TABLE, user(bench, "no_slave", ["SELECT ON d.*", client]))
    expect_words(error, "error (access)", "REPLICATION SLAVE")
    error = bench.fails(TABLE, user(bench, "no_select", [client, "REPLICATION SLAVE ON *.*"]))
    expect_words(error, "no table of the server matches", "SELECT")
    enough = ["SELECT ON *.*", client, "REPLICATION SLAVE ON *.*"]
    if not bench.is_mariadb:
        error = bench.fails(TABLE, user(bench, "no_reload", enough))
        expect_words(error, "error (access)", "RELOAD")
        enough += ["RELOAD ON *.*", "LOCK TABLES ON *.*"]
    bench.run(TABLE, dict(user(bench, "enough", enough), **{"scan.startup.mode": "snapshot"}))


def test_server_settings(bench):
    make(bench)
    for name, bad, good in (("binlog_format", "MIXED", "ROW"),
                            ("binlog_row_image", "MINIMAL", "FULL")):
        bench.server.query("SET GLOBAL %s=%s" % (name, bad))
        try:
            error = bench.fails(TABLE)
            expect_words(error, "%s=%s" % (name, bad), "needs " + good, "SET GLOBAL")
        finally:
            bench.server.query("SET GLOBAL %s=%s" % (name, good))


def stream_fails(bench, sql, *words, table=TABLE, options=None):
    """The error of a job that runs while the statement does."""
    process = bench.start(table, options, extra=UNTIL)
    bench.wait_for(process, 0.4)
    bench.server.query(sql, "d")
    error = bench.failure_of(process)
    expect_words(error, *words)
    return error


def test_minimal_images(bench):
    for image in ("MINIMAL", "NOBLOB"):
        make(bench)
        bench.server.query("ALTER TABLE d.t ADD COLUMN b BLOB")
        stream_fails(bench, "SET SESSION binlog_row_image=%s; UPDATE d.t SET v='x' WHERE id=1" % image,
                     'table "d.t"', "lacks columns", "binlog_row_image=FULL", "binlog.0")


def test_statement_format(bench):
    make(bench)
    stream_fails(bench, "SET SESSION binlog_format=STATEMENT; UPDATE d.t SET v='x' WHERE id=1",
                 'table "d.t"', "binlog_format=ROW", "UPDATE d.t", "binlog.0")
    # Of another table it is nobody's business.
    make(bench)
    bench.server.query("CREATE TABLE d.other(id INT PRIMARY KEY)")
    process = bench.start(TABLE, extra=UNTIL)
    bench.wait_for(process, 0.4)
    bench.server.query("SET SESSION binlog_format=STATEMENT; INSERT INTO d.other VALUES (1)", "d")
    bench.server.query("INSERT INTO d.t VALUES (-1,'end')")
    bench.finish(process)


def test_definitions_that_break(bench):
    for sql, words in (
            ("ALTER TABLE d.t DROP COLUMN v", ('no column "v"', "ALTER TABLE d.t DROP COLUMN v")),
            ("ALTER TABLE t CHANGE v w VARCHAR(100)", ('no column "v"', "CHANGE v w")),
            ("ALTER TABLE d.t MODIFY v BLOB", ("declared as STRING", "blob", "MODIFY v BLOB")),
            ("RENAME TABLE d.t TO d.moved", ("does not exist", "RENAME TABLE")),
            ("TRUNCATE TABLE d.t", ("lost rows", "TRUNCATE")),
            ("TRUNCATE t", ("lost rows", "TRUNCATE")),
            ("DROP TABLE `t`", ("was dropped", "DROP TABLE"))):
        make(bench)
        error = stream_fails(bench, sql, "error (schema)", '"d.t"', "binlog.0", *words)
        cdc.expect("PLACE" in error or "place" in error.lower(), error)


def test_partition_that_goes(bench):
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(100)) PARTITION BY RANGE (id)"
                       " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);"
                       "INSERT INTO d.t VALUES (1,'one'),(20,'two')")
    stream_fails(bench, "ALTER TABLE d.t DROP PARTITION p0", "error (schema)", "lost rows",
                 "DROP PARTITION")


def test_definitions_that_do_not_matter(bench):
    make(bench)
    bench.server.query("CREATE TABLE d.other(id INT PRIMARY KEY, t INT)")
    journal = bench.journal()
    process = bench.start(TABLE, extra=["--journal", journal] + UNTIL)
    bench.wait_for(process, 0.4)
    read = 2
    # Where the binlog does not name columns, a definition counts until the next one is made: the reader keeps up.
    for sql, changes in (
            ("ALTER TABLE d.t ADD COLUMN first INT FIRST; INSERT INTO d.t(id, v) VALUES (3,'three')", 1),
            ("ALTER TABLE d.t MODIFY v VARCHAR(300); UPDATE d.t SET v='wide' WHERE id=3", 2),
            ("CREATE INDEX i ON d.t(v); ALTER TABLE d.t MODIFY id BIGINT;"
             "ALTER TABLE d.t DROP COLUMN first; INSERT INTO d.t VALUES (4,'four')", 1),
            ("TRUNCATE d.other; ALTER TABLE d.other DROP COLUMN t; DROP TABLE d.other;"
             "CREATE TABLE d.copy LIKE d.t; RENAME TABLE d.copy TO d.copy2; DROP TABLE d.copy2", 0)):
        bench.server.query(sql, "d")
        read += changes
        bench.wait_durable(process, journal, read)
    bench.server.query("INSERT INTO d.t VALUES (-1,'end')")
    bench.finish(process)
    cdc.expect_equal(cdc.read_journal(journal)[2:],
                     ["+I[3, three]", "-U[3, three]", "+U[3, wide]", "+I[4, four]", "+I[-1, end]"],
                     "changes around harmless definitions")


def test_definition_while_down(bench):
    """Changes from before an added column, read after it: the schema of the checkpoint is used."""
    make(bench)
    journal = bench.journal()
    bench.run(TABLE, extra=["--journal", journal, "--idle", 600])
    bench.server.query("INSERT INTO d.t VALUES (3,'before');"
                       "ALTER TABLE d.t ADD COLUMN n VARCHAR(10) AFTER id;"
                       "INSERT INTO d.t VALUES (4,'n','after')")
    bench.server.query("INSERT INTO d.t VALUES (-1,'n','end')")
    bench.run(TABLE, extra=["--journal", journal] + UNTIL)
    cdc.expect_equal(cdc.read_journal(journal)[2:],
                     ["+I[3, before]", "+I[4, after]", "+I[-1, end]"], "changes")


def test_swapped_table(bench):
    """What online schema change tools do at the end: another table takes the name."""
    make(bench)
    bench.server.query("CREATE TABLE d._t_new LIKE d.t; ALTER TABLE d._t_new ADD COLUMN n INT FIRST;"
                       "INSERT INTO d._t_new(id, v) SELECT id, v FROM d.t")
    process = bench.start(TABLE, extra=UNTIL)
    bench.wait_for(process, 0.4)
    bench.server.query("RENAME TABLE d.t TO d._t_old, d._t_new TO d.t;"
                       "UPDATE d.t SET v='swapped' WHERE id=1; DROP TABLE d._t_old;"
                       "INSERT INTO d.t(id, v) VALUES (-1,'end')")
    lines = bench.finish(process)
    cdc.expect_equal(lines[2:], ["-U[1, one]", "+U[1, swapped]", "+I[-1, end]"], "changes")


def test_purged_position(bench):
    make(bench)
    journal = bench.journal()
    bench.run(TABLE, extra=["--journal", journal, "--idle", 500])
    bench.server.query("INSERT INTO d.t VALUES (3,'lost')")
    lost = bench.server.query("SHOW MASTER STATUS")[0][0]
    bench.wait_quiet()
    for _ in range(50):
        # MariaDB keeps a file until its engines have said that they need it no more.
        bench.flush()
        last = bench.server.query("SHOW MASTER STATUS")[0][0]
        bench.server.query("PURGE BINARY LOGS TO '%s'" % last)
        first = bench.server.query("SHOW BINARY LOGS")[0][0]
        if first > lost:
            break
        time.sleep(0.1)
    error = bench.fails(TABLE, extra=["--journal", journal])
    expect_words(error, "error (position)", "earliest", first + ":4", "afresh")
    error = bench.fails(TABLE, {"scan.startup.mode": "specific-offset",
                                "scan.startup.specific-offset.file": "binlog.000001",
                                "scan.startup.specific-offset.pos": "4"})
    expect_words(error, "error (position)", "earliest", first + ":4")


def test_damaged_state(bench):
    make(bench)
    journal = bench.journal()
    bench.run(TABLE, extra=["--journal", journal, "--idle", 500])
    with open(journal, encoding="utf-8") as file:
        text = file.read()
    for cut in range(8, 400, 28):
        with open(journal, "w", encoding="utf-8") as file:
            file.write(text.rstrip("\n")[:-cut] + "\n")
        expect_words(bench.fails(TABLE, extra=["--journal", journal]), "error (state)")


TESTS = [test_unreachable, test_wrong_password, test_bad_options, test_no_such_table,
         test_missing_grants, test_server_settings, test_minimal_images, test_statement_format,
         test_definitions_that_break, test_partition_that_goes, test_definitions_that_do_not_matter,
         test_definition_while_down, test_swapped_table, test_purged_position,
         test_damaged_state]
