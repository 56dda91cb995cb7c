"""Files made by hand, in every format, and files written."""

import json
import os

from program import check, datagen, files, wait_for

HEADER = ", 'csv.header' = 'true'"
PEOPLE = "id INT, name STRING, born DATE"


def test_csv_by_hand(bench):
    """Byte order mark, CRLF, quotes, header in any order, no line break at the end."""
    bench.write("a.csv", "\ufeffborn,name,id\r\n2000-01-02,\"Ann, \"\"A\"\"\nB\",1\r\n,Bob,2\r\n\r\n"
                "1999-12-31,\"\",3")
    rows = bench.changes(files("p", PEOPLE, "a.csv", more=HEADER) + "SELECT id, name, born FROM p")
    check("\n".join(rows) == "+I[1, Ann, \"A\"\nB, 2000-01-02]\n+I[2, Bob, NULL]\n+I[3, , 1999-12-31]",
          "rows", rows)
    bench.write("b.csv", "1,Ann,2000-01-02,\n2,Bob\n")
    rows = bench.changes(files("p", PEOPLE, "b.csv") + "SELECT * FROM p")
    check(rows == ["+I[1, Ann, 2000-01-02]", "+I[2, Bob, NULL]"], "ragged rows", rows)
    bench.write("c.csv", "# who; what\n1;'a;b';2000-01-01\n#2;x;\n3;~;\n")
    rows = bench.changes(files("p", PEOPLE, "c.csv", more=", 'csv.field-delimiter' = ';', "
                               "'csv.allow-comments' = 'true', 'csv.quote-character' = '''', "
                               "'csv.null-literal' = '~'") + "SELECT * FROM p")
    check(rows == ["+I[1, a;b, 2000-01-01]", "+I[3, NULL, NULL]"], "comments and a delimiter", rows)
    bench.write("d.csv", "id\tname\tborn\n 7\tx y\t\n")
    rows = bench.changes(files("p", PEOPLE, "d.csv", more=HEADER + ", 'csv.field-delimiter' = '\\t', "
                               "'csv.trim-spaces' = 'true'") + "SELECT * FROM p")
    check(rows == ["+I[7, x y, NULL]"], "tabs", rows)
    for content in ("", "\ufeff", "id,name,born\n", "id,name,born"):
        bench.write("e.csv", content)
        rows = bench.changes(files("p", PEOPLE, "e.csv", more=HEADER) + "SELECT * FROM p")
        check(rows == [], "no row in %r" % content, rows)


def test_csv_errors(bench):
    sql = files("p", PEOPLE, "a.csv") + "SELECT * FROM p"
    for content, line in (("1,a,2000-01-01\nx,b,\n", 2), ("1,a,2000-13-01\n", 1), ("1,a\n2,\"open\n3,c\n", 2),
                          ("1,a,,9,9\n", 1), ("1,a,\n99999999999,b,\n", 2), (b"1,a,\n2,\xff\xfe,\n", 2)):
        bench.write("a.csv", content)
        bench.bad("-e", sql, says=[r"a\.csv:%d" % line])
    bench.write("a.csv", "id,nme,born\n1,a,\n")
    bench.bad("-e", files("p", PEOPLE, "a.csv", more=HEADER) + "SELECT * FROM p", says=["name"])
    bench.bad("-e", files("p", PEOPLE, "nothing.csv") + "SELECT * FROM p", says=["nothing.csv", "No such file"])


def test_skipped_rows_are_counted(bench):
    bench.write("a.csv", b"1,a,2000-01-01\nx,b,\n3,\xff,\n4,c,yesterday\n5,d,\n")
    done = bench.good("-e", files("p", PEOPLE, "a.csv", more=", 'csv.ignore-parse-errors' = 'true'") +
                      "SELECT * FROM p")
    check("Received a total of 2 rows" in done.out, "two rows", done)
    check("3 malformed rows" in done.err, "the rows that were left out are counted", done)
    bench.write("b.json", '{"a": 1}\n{"a": \n{"a": 3}\n')
    done = bench.good("-e", files("p", "a INT", "b.json", "json", ", 'json.ignore-parse-errors' = 'true'") +
                      "CREATE TABLE o (a INT) WITH ('connector' = 'print'); INSERT INTO o SELECT * FROM p")
    check(done.out.splitlines() == ["+I[1]", "+I[3]"], "two rows", done)
    check("1 malformed row" in done.err, "the row that was left out is counted", done)


def test_json(bench):
    columns = "id INT, tags ARRAY<STRING>, at TIMESTAMP(3), who ROW<name STRING>"
    bench.write("a.json", '{"id": 1, "tags": ["a", null], "at": "2020-01-01 00:00:01.5", "who": {"name": "Ä\\u00e4"}}\n'
                '{"who": null, "extra": [{}], "id": 2}')
    rows = bench.changes(files("p", columns, "a.json", "json") + "SELECT * FROM p")
    check(rows == ["+I[1, [a, NULL], 2020-01-01 00:00:01.500, (Ää)]", "+I[2, NULL, NULL, NULL]"], "rows", rows)
    for content, line in (('{"id": 1}\n{"id": x}\n', 2), ('{"id": "one"}\n', 1), ('{"id": 1}\n{"id": 2', 2),
                          ('{"id": 1}\n\n[1]\n', 3), (b'{"id": 1, "tags": ["\xff"]}\n', 1)):
        bench.write("a.json", content)
        bench.bad("-e", files("p", columns, "a.json", "json") + "SELECT * FROM p", says=[r"a\.json:%d" % line])


def test_raw(bench):
    bench.write("a.txt", "one\r\n\r\n, \"two\"")
    rows = bench.changes(files("p", "line STRING", "a.txt", "raw") + "SELECT CHAR_LENGTH(line), line FROM p")
    check(rows == ["+I[3, one]", "+I[0, ]", "+I[7, , \"two\"]"], "lines", rows)
    bench.write("a.txt", b"one\n\xc3\x28\n")
    bench.bad("-e", files("p", "line STRING", "a.txt", "raw") + "SELECT * FROM p", says=r"a\.txt:2")
    bench.bad("-e", files("p", "a STRING, b STRING", "a.txt", "raw") + "SELECT * FROM p", says="column")


def test_debezium(bench):
    events = [{"before": None, "after": {"id": 1, "v": "a"}, "op": "c"},
              {"before": {"id": 1, "v": "a"}, "after": {"id": 1, "v": "b"}, "op": "u"},
              {"before": None, "after": {"id": 2, "v": "x"}, "op": "r"},
              {"before": {"id": 2, "v": "x"}, "after": None, "op": "d"}]
    bench.write("a.json", "\n".join(json.dumps(event) for event in events))
    source = files("p", "id INT, v STRING", "a.json", "debezium-json")
    rows = bench.changes(source + "SELECT * FROM p")
    check(rows == ["+I[1, a]", "-U[1, a]", "+U[1, b]", "+I[2, x]", "-D[2, x]"], "changes", rows)
    bench.good("-e", source + files("o", "id INT, v STRING", "out", "debezium-json") +
               "INSERT INTO o SELECT * FROM p")
    rows = bench.changes(files("q", "id INT, v STRING", "out", "debezium-json") + "SELECT id, COUNT(*) FROM q GROUP BY id")
    check(rows[-1:] == ["-D[2, 1]"] and rows[0] == "+I[1, 1]", "written and read back", rows)
    bench.write("a.json", '{"before": null, "after": {"id": 1}, "op": "c"}\n{"op": "z"}\n')
    bench.bad("-e", source + "SELECT * FROM p", says=r"a\.json:2")


def test_folder(bench):
    bench.write("in/1.csv", "1\n2")
    bench.write("in/2.csv", "3\n")
    bench.write("in/.hidden", "x\n")
    bench.write("in/_half", "x\n")
    bench.write("in/deep/4.csv", "4\n")
    table = files("p", "a INT, f STRING METADATA FROM 'file.name' VIRTUAL", "in")
    rows = bench.changes(table + "SELECT a, f FROM p")
    check(set(rows) >= {"+I[1, 1.csv]", "+I[2, 1.csv]", "+I[3, 2.csv]"} and len(rows) in (3, 4), "rows", rows)
    check(not any("x" in row for row in rows), "hidden files are read", rows)


def test_metadata(bench):
    """What a file's columns say, selected alone, filtered, grouped; in two formats."""
    bench.write("in/1.csv", "1\n2\n")
    bench.write("in/2.csv", "3\n")
    for name in ("1.csv", "2.csv"):
        os.utime(bench.path("in/" + name), (1704067200, 1704067200))
    columns = ("a INT, path STRING METADATA FROM 'file.path' VIRTUAL, `file.name` STRING METADATA VIRTUAL, "
               "size INT METADATA FROM 'file.size' VIRTUAL, "
               "at TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL")
    utc = ("-D", "table.local-time-zone=UTC")
    batch = utc + ("-D", "execution.runtime-mode=batch")
    table = files("p", columns, "in")
    rows = bench.changes(table + "SELECT a, `file.name`, size, at FROM p ORDER BY a", *batch)
    check(rows == ["+I[1, 1.csv, 4, 2024-01-01 00:00:00.000]", "+I[2, 1.csv, 4, 2024-01-01 00:00:00.000]",
                   "+I[3, 2.csv, 2, 2024-01-01 00:00:00.000]"], "all of them", rows)
    rows = bench.changes(table + "SELECT DISTINCT path FROM p ORDER BY path", *batch)
    check(rows == ["+I[in/1.csv]", "+I[in/2.csv]"], "paths alone", rows)
    rows = bench.changes(table + "SELECT `file.name`, COUNT(*), SUM(a) FROM p WHERE `file.name` > '1' "
                         "GROUP BY `file.name` ORDER BY 2 DESC", *batch)
    check(rows == ["+I[1.csv, 2, 3]", "+I[2.csv, 1, 3]"], "grouped by file", rows)
    rows = bench.changes(table + "SELECT a FROM p WHERE size = 2", *utc)
    check(rows == ["+I[3]"], "filtered by size", rows)
    bench.write("j/x.json", '{"a": 7}\n')
    rows = bench.changes(files("p", columns, "j", "json") + "SELECT `file.name`, a FROM p", *utc)
    check(rows == ["+I[x.json, 7]"], "json", rows)


def test_sink_files(bench):
    """Rows become visible under their last name only, whole."""
    bench.good("-e", datagen(rows=1000) + files("o", "i BIGINT, t STRING", "out", more=", "
               "'sink.rolling-policy.file-size' = '2 kb'") +
               "INSERT INTO o SELECT i, 'a \"q\", ' || CAST(i AS STRING) FROM g")
    names = [name for name in os.listdir(bench.path("out"))]
    check(len(names) > 1, "a file of its own from a size on", names)
    check(not any(name.startswith((".", "_")) for name in names), "unfinished files are left", names)
    rows = bench.changes(files("p", "i BIGINT, t STRING", "out") +
                         "SELECT COUNT(*), SUM(i), MIN(t) FROM p", "-D", "execution.runtime-mode=batch")
    check(rows == ["+I[1000, 500500, a \"q\", 1]"], "read back", rows)
    bench.good("-e", files("o", "a INT, b STRING", "j", "json") + "INSERT INTO o VALUES (1, 'x'), (2, NULL)")
    data = b"".join(bench.read("j/" + name) for name in os.listdir(bench.path("j")))
    check([json.loads(line) for line in data.splitlines()] == [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
          "json", data)
    bench.good("-e", files("o", "a STRING", "r", "raw") + "INSERT INTO o VALUES ('x'), ('y z')")
    check(b"".join(bench.read("r/" + name) for name in os.listdir(bench.path("r"))) == b"x\ny z\n", "raw")


def test_failed_sink_leaves_nothing(bench):
    bench.write("a.csv", "1\n2\nx\n")
    bench.bad("-e", files("p", "a INT", "a.csv") + files("o", "a INT", "out") + "INSERT INTO o SELECT * FROM p")
    left = os.listdir(bench.path("out")) if os.path.isdir(bench.path("out")) else []
    check(not any(not name.startswith((".", "_")) for name in left), "files of a failed job are seen", left)
    bench.write("file", "x")
    bench.bad("-e", files("o", "a INT", "file/below") + "INSERT INTO o VALUES (1)", says="file/below|\"file\"")
    bench.bad("-e", files("o", "a INT", "/proc/nothing") + "INSERT INTO o VALUES (1)", says="/proc/nothing")


def test_unwritable_folder(bench):
    """Root may write everywhere but to /proc and read-only mounts."""
    bench.bad("-D", "execution.checkpointing.dir=/proc/weir", "-D", "pipeline.name=x", "-e",
              datagen(rows=1) + "CREATE TABLE o (i BIGINT) WITH ('connector' = 'blackhole');"
              "INSERT INTO o SELECT * FROM g", says="/proc/weir")
    bench.bad("-e", "CREATE TABLE o (i BIGINT) WITH ('connector' = 'sqlite', 'path' = '/proc/weir.db', "
              "'table-name' = 't'); INSERT INTO o VALUES (1)", says="/proc/weir.db")


TESTS = [test_csv_by_hand, test_csv_errors, test_skipped_rows_are_counted, test_json, test_raw, test_debezium,
         test_folder, test_metadata, test_sink_files, test_failed_sink_leaves_nothing, test_unwritable_folder]
