"""The command line: arguments, scripts, exit statuses, errors with their place, secrets."""

import os
import re
import time

import program
from program import check, datagen, sqlite

SECRET = "hunter2-Xq"
CAPTURE = ("CREATE TABLE m (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'mysql-cdc', "
           "'hostname' = '127.0.0.1', 'port' = '1', 'username' = 'u', 'password' = '" + SECRET +
           "', 'database-name' = 'd', 'table-name' = 't', 'connect.max-retries' = '0');\n")


def test_lists(bench):
    check(re.fullmatch(r"weir \d+\.\d+\.\d+\n", bench.good("--version").out), "version")
    usage = bench.good("--help").out
    for word in ("-f", "-e", "-i", "-D", "--fresh", "--version", "--list-functions",
                 "--list-connectors", "--list-options"):
        check(word in usage, "--help does not tell of " + word, usage)
    functions = bench.good("--list-functions").out
    for name in ("COALESCE", "SUBSTRING", "REGEXP_EXTRACT", "TIMESTAMPDIFF", "COUNT"):
        check(name in functions, "no function " + name)
    connectors = bench.good("--list-connectors").out
    for name in ("mysql-cdc", "filesystem", "datagen", "print", "blackhole", "sqlite", "csv", "json",
                 "debezium-json", "raw", "csv.header"):
        check(name in connectors, "no connector or format " + name)
    check("execution.checkpointing.interval" in bench.good("--list-options").out, "no options")


def test_bad_arguments(bench):
    bench.bad("--bogus", status=2, says=['"--bogus" is not known', "weir --help"])
    bench.bad("--hlep", status=2, says="Did you mean --help")
    bench.bad("-f", status=2, says='"-f" lacks its value')
    bench.bad("help", status=2, says="weir --help")
    bench.bad("job.sql", status=2, says=["not expected", "weir -f job.sql"])
    bench.bad("-D", "parallelism.default", says="key=value")
    bench.bad("-D", "paralelism.default=2", "-e", "SELECT 1", says='Did you mean "parallelism.default"')
    bench.bad("-D", "parallelism.default=0", "-e", "SELECT 1", says=["parallelism.default", "1 to 128"])
    bench.bad("-f", "nothing.sql", says=["nothing.sql", "No such file"])
    bench.bad("-f", bench.folder, says="directory")
    bench.bad("-i", "nothing.sql", "-e", "SELECT 1", says="nothing.sql")


def test_scripts(bench):
    bench.write("a.sql", "\ufeffSELECT 1 AS a; -- one\n/* two */ SELECT 2 AS b")
    out = bench.good("-f", "a.sql").out
    check("|           1 |" in out and "|           2 |" in out, "both queries", out)
    for run in (bench.good("-f", "-", stdin="SELECT 3;"), bench.good(stdin="SELECT 3"),
                bench.good("-e", "SELECT 3;;"), bench.good("-e", "", "-e", "SELECT 3")):
        check("|           3 |" in run.out, "the query", run)
    bench.write("init.sql", "CREATE VIEW v AS SELECT 5 AS five;\nSET 'parallelism.default' = '2';")
    check("five" in bench.good("-i", "init.sql", "-e", "SELECT * FROM v").out, "the init file")
    bench.write("crlf.sql", "SELECT 'a'\r\n AS x;\r\nSELECT 2;\r\n")
    check(bench.good("-f", "crlf.sql").out.count("Received a total of 1 row") == 2, "CRLF script")
    check("parallelism.default" in bench.good("-D", "parallelism.default=3", "-e", "SET").out, "SET")


def test_init_that_works(bench):
    """An init file prepares; what it may not do is refused before it runs."""
    bench.write("query.sql", datagen() + "SELECT * FROM g;")
    done = bench.bad("-i", "query.sql", "-e", "SELECT 1", says=["query.sql", "-f"])
    check("+I" not in done.out, "the query of the init file ran", done)
    bench.write("job.sql", datagen(rows=3) + sqlite("o", "i BIGINT") + "INSERT INTO o SELECT * FROM g;")
    bench.bad("-i", "job.sql", "-e", "SELECT 1", says=["job.sql", "-f"])
    check(not os.path.exists(bench.path("out.db")), "the job of the init file ran")


def test_first_failure(bench):
    bench.write("a.sql", "SELECT 1;\n\nSELECT nme FROM (VALUES (1)) AS t(name);\nSELECT 4;\n")
    done = bench.bad("-f", "a.sql", says=[r"a\.sql:3:8: error: ", 'Did you mean "name"', r"\^~~"])
    check("4" not in done.out, "went on behind the failure", done)
    bench.write("b.sql", "-- a comment\nSELEC 1;")
    bench.bad("-f", "b.sql", says=r"b\.sql:2:1: error: ")
    bench.write("c.sql", "SELECT 'open\n;")
    bench.bad("-f", "c.sql", says=r"c\.sql:1:8: error: ")
    bench.bad("-e", "SELECT 1; SELECT x", says="column 18: error: ")
    bench.bad(stdin="SELECT 1;\nSELECT x;", says="line 2, column 8: error: ")
    bench.bad("-f", "nothing.sql", "-e", "SELECT 1", says="nothing.sql")


def test_job_failure_is_placed(bench):
    """A job that fails while it runs names the file and the line of its statement."""
    bench.write("a.csv", "1\nx\n")
    bench.write("job.sql", "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'a.csv', "
                "'format' = 'csv');\nCREATE TABLE o (a INT) WITH ('connector' = 'blackhole');\n\n"
                "INSERT INTO o\nSELECT a FROM t;\n")
    bench.bad("-f", "job.sql", says=[r"job\.sql:4:", r"a\.csv:2"])
    bench.write("zero.sql", "SELECT 1;\nSELECT 1 / a FROM (VALUES (1), (0)) AS t(a);\n")
    bench.bad("-f", "zero.sql", says=[r"zero\.sql:2:", "zero"])


def test_nearest_names(bench):
    table = "CREATE TABLE m (id INT) WITH (%s); SELECT * FROM m"
    bench.bad("-e", table % "'conector' = 'print'", says="connector")
    bench.bad("-e", table % "'connector' = 'filesytem', 'path' = 'x'", says='Did you mean "filesystem"')
    bench.bad("-e", table % "'connector' = 'filesystem', 'path' = 'x', 'format' = 'cvs'", says='mean "csv"')
    bench.bad("-e", table % "'connector' = 'filesystem', 'pth' = 'x', 'format' = 'csv'", says='mean "path"')
    bench.bad("-e", table % "'connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'csv.heder' = 'true'",
              says='mean "csv.header"')
    bench.bad("-e", table % "'connector' = 'datagen', 'rows-per-second' = 'many'", says="rows-per-second")
    bench.bad("-e", table % "'connector' = 'datagen', 'fields.di.kind' = 'sequence'", says="fields.di.kind|di")
    bench.bad("-e", "SELECT UPER('a')", says='Did you mean "UPPER"')
    bench.bad("-e", "CREATE VIEW orders AS SELECT 1 AS a; SELECT * FROM oders", says='mean "orders"')
    bench.bad("-e", "SELECT 1 + DATE '2020-01-01' || 2 + TRUE", says="error")
    bench.bad("-e", "SET 'table.local-time-zone' = 'Europe/Nowhere'", says="Europe/Nowhere")
    bench.bad("-e", "DROP TABLE nothing", says="nothing")
    bench.bad("-e", datagen() + "CREATE TABLE o (c BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o', "
              "'format' = 'csv'); INSERT INTO o SELECT COUNT(*) FROM g", says="update|change")


def test_secrets(bench):
    """A password is in no output, whatever is asked for."""
    forms = ["SHOW CREATE TABLE m", "DESCRIBE m", "SHOW TABLES", "SET", "SHOW JOBS"]
    forms += ["EXPLAIN %s SELECT v, COUNT(*) FROM m GROUP BY v" % words
              for words in ("", "CHANGELOG_MODE", "PLAN FOR", "JSON_EXECUTION_PLAN", "ESTIMATED_COST")]
    for form in forms:
        done = bench.run("-e", CAPTURE + form)
        check(SECRET not in done.out + done.err, "the password is shown by " + form, done)
    for sql in (CAPTURE.replace("'username'", "'usernam'"), CAPTURE.replace("'0')", "'0'"),
                CAPTURE.replace("'port' = '1'", "'port' = 'x'"), CAPTURE.replace("'password'", "'pasword'"),
                CAPTURE + "SELECT nope FROM m", CAPTURE.replace("INT", "INTT"), CAPTURE + "SELECT * FROM m"):
        done = bench.bad("-e", sql)
        check(SECRET not in done.out + done.err, "the password is shown in an error", done)
    bench.write("job.sql", CAPTURE.replace("WITH (", "\nWITH (") + "SELECT * FROM n")
    check(SECRET not in bench.bad("-f", "job.sql", says=r"job\.sql:\d+").err, "password in an error")


def test_unreachable_server(bench):
    """Told when the tries are over, first the connector's, then the restart strategy's."""
    says = ['table "m"', "connect", "hint: .*127.0.0.1:1"]
    bench.bad("-e", CAPTURE + "SELECT * FROM m", says=says)
    bench.bad("-D", "execution.checkpointing.dir=cp", "-D", "restart-strategy.type=fixed-delay", "-D",
              "restart-strategy.fixed-delay.delay=50 ms", "-e", CAPTURE +
              "CREATE TABLE o (id INT) WITH ('connector' = 'blackhole'); INSERT INTO o SELECT id FROM m",
              says=says + ["tries to start again in 50 ms because of: .*could not connect"])
    began = time.monotonic()
    done = bench.bad("-e", CAPTURE.replace("retries' = '0'", "retries' = '2'") + "SELECT * FROM m", says=says)
    check("trying again in 500 ms" in done.err and "trying again in 1000 ms" in done.err, "the tries", done)
    check(time.monotonic() - began > 1.5, "waits between tries", done)
    child = bench.start("-e", CAPTURE.replace("retries' = '0'", "retries' = '1000'") + "SELECT * FROM m")
    program.expect_line(child, child.stderr, "trying again in")
    child.terminate()
    done = bench.finish(child, timeout=5)
    check(done.status == 1 and "cancelled while waiting" in done.err, "can be stopped", done)
    for name in os.listdir(bench.path("cp")):
        check(SECRET.encode() not in bench.read("cp/" + name), "the password is in " + name)


def test_changelog_mode(bench):
    check(bench.changes("SELECT a, COUNT(*) FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a") ==
          ["+I[x, 1]", "+I[y, 1]", "-U[x, 1]", "+U[x, 2]"], "the changelog")
    check(bench.changes("SELECT CAST(NULL AS INT), TRUE, DATE '2020-02-29', 1.50, 'ä b'") ==
          ["+I[NULL, TRUE, 2020-02-29, 1.50, ä b]"], "values")


def test_tableau(bench):
    out = bench.good("-e", "SELECT a, COUNT(*) AS c FROM (VALUES ('x'), ('x')) AS t(a) GROUP BY a").out
    check(out.splitlines()[1].split() == ["|", "op", "|", "a", "|", "c", "|"], "the header", out)
    check("| -U |" in out and "Received a total of 3 rows" in out, "the changes", out)


def test_reader_that_leaves(bench):
    """weir … | head ends."""
    child = bench.start("-e", datagen(per_second=1000) + "SELECT * FROM g")
    for _ in range(5):
        child.stdout.readline()
    child.stdout.close()
    check(child.wait(20) == 1, "the exit status", child.returncode)
    child.stderr.close()


def test_batch_tableau(bench):
    """Bounded runs show the final result, as wide as its content."""
    mode = ("-D", "execution.runtime-mode=batch")
    sql = "SELECT a, COUNT(*) AS c FROM (VALUES ('x'), ('long'), ('x'), (NULL)) AS t(a) GROUP BY a ORDER BY 2, 1"
    out = bench.good(*mode, "-e", sql).out
    check(sorted(out.splitlines()) == sorted([
        "+--------+---+", "|      a | c |", "+--------+---+", "|   long | 1 |", "| <NULL> | 1 |",
        "|      x | 2 |", "+--------+---+", "3 rows in set"]), "the table", out)
    check(out.splitlines()[6:] == ["+--------+---+", "3 rows in set"], "the end of the table", out)
    out = bench.good(*mode, "-e", "SELECT a FROM (VALUES (1)) AS t(a) WHERE a > 1").out
    check(out == "Empty set\n", "no row", out)
    check("1 row in set" in bench.good(*mode, "-e", "SELECT 1").out, "one row")
    out = bench.good(*mode, "-e", "SELECT REPEAT('y', 50)").out
    check("y" * 27 + "..." in out and "y" * 28 not in out, "long text is cut", out)
    bench.write("a.json", "".join('{"before": %s, "after": %s, "op": "%s"}\n' % change for change in (
        ("null", '{"v": "a"}', "c"), ("null", '{"v": "b"}', "c"), ("null", '{"v": "a"}', "c"),
        ('{"v": "a"}', '{"v": "c"}', "u"), ('{"v": "b"}', "null", "d"))))
    out = bench.good(*mode, "-e", "CREATE TABLE p (v STRING) WITH ('connector' = 'filesystem', 'path' = 'a.json', "
                     "'format' = 'debezium-json'); SELECT * FROM p").out
    check(out.splitlines()[3:] == ["| a |", "| c |", "+---+", "2 rows in set"], "what changes add up to", out)
    bench.bad(*mode, "-e", "SELECT 1 / a FROM (VALUES (1), (0)) AS t(a)", says="zero")
    bench.bad(*mode, "-e", datagen(end=None).replace(", 'fields.i.end' = '1000000000'", "").replace(
        "'fields.i.kind' = 'sequence', 'fields.i.start' = '1'", "'rows-per-second' = '5'") +
        "SELECT * FROM g", says="bounded")


TESTS = [test_lists, test_bad_arguments, test_scripts, test_init_that_works, test_first_failure,
         test_job_failure_is_placed, test_nearest_names, test_secrets,
         test_unreachable_server, test_changelog_mode, test_tableau, test_reader_that_leaves, test_batch_tableau]
