"""Every column type, NULL and edge values: the value that the snapshot reads by SELECT must be the value
that the binlog brings, and both must be the value that the server shows."""

import ipaddress
import random
import uuid

import cdc

# Name, type on the server, declared type, values as SQL literals. What the two ways print must agree;
# where the text is the server's own text, `plain` says so and it is compared as well.
INTEGERS = [
    ("ti", "TINYINT", "TINYINT", ["-128", "127", "0", "-1"]),
    ("tu", "TINYINT UNSIGNED", "SMALLINT", ["0", "255", "128"]),
    ("b1", "TINYINT(1)", "BOOLEAN", ["0", "1", "2", "-1"]),
    ("si", "SMALLINT", "SMALLINT", ["-32768", "32767", "-2"]),
    ("su", "SMALLINT UNSIGNED", "INT", ["65535", "0"]),
    ("mi", "MEDIUMINT", "INT", ["-8388608", "8388607", "-1"]),
    ("mu", "MEDIUMINT UNSIGNED ZEROFILL", "INT", ["16777215", "42"]),
    ("ii", "INT", "INT", ["-2147483648", "2147483647", "-4"]),
    ("iu", "INT UNSIGNED", "BIGINT", ["4294967295", "0"]),
    ("iz", "INT(5) ZEROFILL", "STRING", ["42", "4294967295"]),
    ("bi", "BIGINT", "BIGINT", ["-9223372036854775808", "9223372036854775807", "-1"]),
    ("bu", "BIGINT UNSIGNED", "DECIMAL(20,0)", ["18446744073709551615", "9223372036854775808"]),
    ("bx", "BIGINT UNSIGNED", "STRING", ["18446744073709551615", "1"]),
    ("yy", "YEAR", "INT", ["1901", "2155", "0", "1970"]),
    ("bit1", "BIT(1)", "BOOLEAN", ["b'0'", "b'1'"]),
    ("bit9", "BIT(9)", "BIGINT", ["b'100000001'", "b'0'", "511"]),
    ("bit64", "BIT(64)", "BYTES", ["18446744073709551615", "1", "258"]),
    ("bit20", "BIT(20)", "BYTES", ["1048575", "66051"]),
]
NUMBERS = [
    ("d0", "DECIMAL(1,0)", "DECIMAL(1,0)", ["9", "-9", "0"]),
    ("d1", "DECIMAL(10,5)", "DECIMAL(10,5)", ["-12345.67891", "0.5", "-0.00001", "99999.99999"]),
    ("d2", "DECIMAL(18,18)", "DECIMAL(18,18)", ["0.123456789012345678", "-0.999999999999999999"]),
    ("d3", "DECIMAL(38,0)", "DECIMAL(38,0)", ["99999999999999999999999999999999999999", "-1"]),
    ("d4", "DECIMAL(38,18)", "DECIMAL(38,18)",
     ["-12345678901234567890.123456789012345678", "0.000000000000000001"]),
    ("d5", "DECIMAL(65,30)", "STRING",
     ["-99999999999999999999999999999999999.999999999999999999999999999999", "0.5", "1"]),
    ("d6", "DECIMAL(65,0)", "STRING", ["1" + "0" * 64, "-" + "9" * 65]),
    ("d7", "DECIMAL(30,30)", "STRING", ["0.5", "-0.000000000000000000000000000001"]),
    ("d8", "DECIMAL(9,9)", "STRING", ["0.123456789", "-0.1"]),
    ("d9", "DECIMAL(14,4)", "DECIMAL(20,8)", ["1234567890.1234", "-0.0001"]),
    ("du", "DECIMAL(20,2) UNSIGNED", "DOUBLE", ["0.25", "123456789012345678.99"]),
    ("di", "DECIMAL(12,0)", "BIGINT", ["123456789012", "-999999999999"]),
    ("fl", "FLOAT", "FLOAT", ["3.14159274", "-1e30", "16777216", "1.17549435e-38", "0"]),
    ("fd", "FLOAT", "DOUBLE", ["0.1", "1e-10"]),
    ("fm", "FLOAT(7,3)", "FLOAT", ["1234.567", "-0.001"]),
    ("dd", "DOUBLE", "DOUBLE",
     ["0.1", "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "123456789.123456789"]),
    ("dm", "DOUBLE(20,5)", "DOUBLE", ["123456789.12345", "-0.00001"]),
]
TEMPORAL = [
    ("da", "DATE", "DATE", ["'1000-01-01'", "'9999-12-31'", "'1970-01-01'", "'2024-02-29'",
                            "'0000-00-00'", "'2024-00-10'", "'0001-01-01'"]),
    ("ds", "DATE", "STRING", ["'2024-02-29'"]),
    ("t0", "TIME", "STRING", ["'838:59:59'", "'-838:59:59'", "'-00:00:01'", "'00:00:00'"]),
    ("t2", "TIME(2)", "STRING", ["'-01:02:03.50'", "'-00:00:00.01'", "'12:34:56.78'"]),
    ("t3", "TIME(3)", "TIME(3)", ["'23:59:59.999'", "'00:00:00.001'"]),
    ("t6", "TIME(6)", "STRING", ["'-838:59:58.000001'", "'-00:00:00.999999'", "'01:02:03.000004'"]),
    ("t5", "TIME(5)", "STRING", ["'-10:00:00.00001'", "'10:00:00.12345'"]),
    ("dt0", "DATETIME", "TIMESTAMP(0)", ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'",
                                         "'0000-00-00 00:00:00'", "'1969-12-31 23:59:59'"]),
    ("dt1", "DATETIME(1)", "TIMESTAMP(1)", ["'2024-06-30 12:30:45.9'"]),
    ("dt3", "DATETIME(3)", "TIMESTAMP(3)", ["'2024-06-30 12:30:45.987'", "'1969-12-31 23:59:59.999'"]),
    ("dt6", "DATETIME(6)", "TIMESTAMP(6)", ["'2024-06-30 12:30:45.987654'", "'1000-01-01 00:00:00.000001'"]),
    ("dt9", "DATETIME(6)", "TIMESTAMP(9)", ["'2024-06-30 12:30:45.987654'"]),
    ("dtc", "DATETIME(6)", "TIMESTAMP(3)", ["'1969-12-31 23:59:59.999999'"]),
    ("dts", "DATETIME(4)", "STRING", ["'2024-06-30 12:30:45.9876'"]),
    ("ts0", "TIMESTAMP NULL", "TIMESTAMP_LTZ(0)", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'",
                                                   "'0000-00-00 00:00:00'"]),
    ("ts3", "TIMESTAMP(3) NULL", "TIMESTAMP_LTZ(3)", ["'2024-03-31 01:30:00.123'"]),
    ("ts6", "TIMESTAMP(6) NULL", "TIMESTAMP(6)", ["'2024-03-31 01:30:00.123456'"]),
    ("tss", "TIMESTAMP(2) NULL", "STRING", ["'2024-10-27 02:30:00.25'"]),
]
TEXTS = [
    ("c5", "CHAR(5)", "STRING", ["''", "'abc'", "'  a'", "'ääääé'"]),
    ("c200", "CHAR(200) CHARACTER SET utf8", "STRING", ["REPEAT('ü', 200)", "'x'"]),
    ("v20", "VARCHAR(20)", "STRING", ["''", "'tail  '", "'quote '' and \\\\'", "'😀 smile'"]),
    ("v300", "VARCHAR(300)", "STRING", ["REPEAT('y', 300)", "'short'"]),
    ("l1", "VARCHAR(40) CHARACTER SET latin1", "STRING",
     ["'äöü ß € „“'", "X'8081828D8F909D9FA0FF'", "'plain'"]),
    ("cp", "VARCHAR(40) CHARACTER SET cp1251", "STRING", ["'Привет'", "'plain'"]),
    ("gb", "VARCHAR(40) CHARACTER SET gbk", "STRING", ["'中文测试'"]),
    ("sj", "VARCHAR(40) CHARACTER SET sjis", "STRING", ["'日本語'"]),
    ("b5", "VARCHAR(40) CHARACTER SET big5", "STRING", ["'中文'"]),
    ("uj", "VARCHAR(40) CHARACTER SET ujis", "STRING", ["'日本語テスト'"]),
    ("kr", "VARCHAR(40) CHARACTER SET euckr", "STRING", ["'한국어'"]),
    ("l2", "VARCHAR(40) CHARACTER SET latin2", "STRING", ["'žluťoučký kůň'"]),
    ("l7", "VARCHAR(40) CHARACTER SET latin7", "STRING", ["'āčēģ'"]),
    ("gr", "VARCHAR(40) CHARACTER SET greek", "STRING", ["'Ελλάδα'"]),
    ("he", "VARCHAR(40) CHARACTER SET hebrew", "STRING", ["'שלום'"]),
    ("ko", "VARCHAR(40) CHARACTER SET koi8r", "STRING", ["'Привет'"]),
    ("u2", "VARCHAR(40) CHARACTER SET ucs2", "STRING", ["'ucs2 ä 中'"]),
    ("u16", "VARCHAR(40) CHARACTER SET utf16", "STRING", ["'utf16 😀'", "''"]),
    ("u32", "VARCHAR(20) CHARACTER SET utf32", "STRING", ["'utf32 😀'"]),
    ("tt", "TINYTEXT", "STRING", ["'tiny'", "''"]),
    ("tx", "TEXT", "STRING", ["REPEAT('text ', 1000)", "'tab\\tand [comma, quote '' ]'"]),
    ("mt", "MEDIUMTEXT CHARACTER SET latin1", "STRING", ["REPEAT('é', 70000)"]),
    ("lt", "LONGTEXT", "STRING", ["REPEAT('l', 100000)"]),
    ("en", "ENUM('a','b''c','d,e','ü','x\\\\y','')", "STRING",
     ["'a'", "'b''c'", "'d,e'", "'ü'", "'x\\\\y'", "''"]),
    ("el", "ENUM('ä','ö') CHARACTER SET latin1", "STRING", ["'ä'", "'ö'"]),
    ("es", "ENUM(%s)" % ",".join("'v%d'" % i for i in range(300)), "STRING", ["'v0'", "'v299'"]),
    ("se", "SET('a','b','ü d')", "STRING", ["''", "'a'", "'b,ü d'", "'a,b,ü d'"]),
    ("sa", "SET('x','y','z')", "SET", ["''", "'x'", "'x,z'"]),
    ("s64", "SET(%s)" % ",".join("'m%d'" % i for i in range(64)), "STRING", ["'m0,m63'", "'m40'"]),
]
BINARIES = [
    ("bn4", "BINARY(4)", "BYTES", ["X'000A'", "X'00000000'", "X'FFFFFFFF'", "''"]),
    ("bn255", "BINARY(255)", "BYTES", ["X'01'", "REPEAT('z', 255)"]),
    ("vb", "VARBINARY(300)", "BYTES", ["''", "X'00FF00'", "REPEAT(X'AB00', 150)"]),
    ("bt", "TINYBLOB", "BYTES", ["X'00'", "''"]),
    ("bb", "BLOB", "BYTES", ["REPEAT(X'00FF', 5000)"]),
    ("bm", "MEDIUMBLOB", "BYTES", ["REPEAT('m', 70000)"]),
    ("bl", "LONGBLOB", "BYTES", ["REPEAT(X'FE', 70000)"]),
    ("ge", "GEOMETRY", "BYTES", ["GeomFromText('POINT(1 2)')",
                                 "GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"]),
]
GEOMETRIES = [
    ("pt", "POINT", "STRING", ["GeomFromText('POINT(1 2.5)')", "GeomFromText('POINT(-1e100 0.1)')"]),
    ("sr", "GEOMETRY", "STRING", ["GeomFromText('POINT(3 4)', 4326)"]),
    ("li", "LINESTRING", "STRING", ["GeomFromText('LINESTRING(3 0,3 3,3 5)')"]),
    ("po", "POLYGON", "STRING", ["GeomFromText('POLYGON((1 1,2 1,2 2,1 2,1 1),(0 0,1 0,1 1,0 0))')"]),
    ("mp", "MULTIPOINT", "STRING", ["GeomFromText('MULTIPOINT(1 1,2 2)')"]),
    ("ml", "MULTILINESTRING", "STRING", ["GeomFromText('MULTILINESTRING((1 1,2 2),(3 3,4 4))')"]),
    ("my", "MULTIPOLYGON", "STRING", ["GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,7 5,7 7,5 5)))')"]),
    ("gc", "GEOMETRYCOLLECTION", "STRING",
     ["GeomFromText('GEOMETRYCOLLECTION(POINT(10 10),LINESTRING(1 1,2 2))')"]),
]


def a_uuid(chooser):
    """One that MariaDB takes: not of a high version and a variant that is not its own."""
    bits = bytearray(chooser.randbytes(16))
    if chooser.randrange(2):
        bits[8] |= 0x80
    else:
        bits[6] &= 0x7F
    return str(uuid.UUID(bytes=bytes(bits)))


MARIADB_ONLY = [
    ("uu", "UUID", "STRING",
     ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
      "'123e4567-e89b-12d3-a456-426655440000'", "'01890a5d-ac96-774b-bcce-b302099a8057'",
      "'1ec9414c-232a-6b00-b3c8-9e6bdeced846'", "'6ccd780c-baba-1026-9564-5b8c656024db'"]
     + ["UUID()"] * 3 + ["'%s'" % a_uuid(random.Random(i)) for i in range(40)]
     + ["'00000000-0000-0%03x-8%03x-000000000001'" % (i, i) for i in (0, 1, 0x100, 0xfff)]),
    ("i4", "INET4", "STRING", ["'0.0.0.0'", "'255.255.255.255'", "'192.168.0.0'"]),
    ("i6", "INET6", "STRING", ["'::'", "'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.128'",
                               "'::192.0.2.128'", "'fe80::'", "'1:2:3:4:5:6:7:8'", "'1:0:0:2:0:0:0:3'", "'::2'",
                               "'::1:0'", "'::ffff:0:1'", "'::1:0:0:0:0:1'", "'1::'", "'1:0:2:3:4:5:6:7'",
                               "'1:2:3:4:5:6:7:0'", "'0:1:2:3:4:5:6:7'"]),
    ("cx", "VARCHAR(2000) COMPRESSED", "STRING", ["REPEAT('compress me ', 100)", "'short'", "''"]),
    ("cb", "BLOB COMPRESSED", "BYTES", ["REPEAT(X'0001', 900)", "X'FF'"]),
    ("js", "JSON", "STRING", ["'{\"a\": [1, 2.50, null]}'"]),
]


def both_ways(bench, columns, setup=""):
    """Rows read by SELECT, and the same rows read from the binlog."""
    bench.fresh_database()
    bench.flush()
    server = bench.server.connect(database="d")
    server.query("SET NAMES utf8mb4; SET sql_mode='ALLOW_INVALID_DATES'; SET time_zone='+00:00';"
                 + setup)
    server.query("CREATE TABLE t(id INT PRIMARY KEY, %s)" % ", ".join(
        "`%s` %s" % (name, kind if "NULL" in kind else kind + " NULL")
        for name, kind, _, _ in columns))
    process = bench.start("t: id INT NOT NULL KEY, " + ", ".join(
        "%s %s" % (name, declared) for name, _, declared, _ in columns),
        options={"scan.startup.mode": "latest-offset"}, extra=["--until", "[-1,"])
    bench.wait_for(process, 0.3)
    number = 0
    for name, _, _, values in columns:
        for value in values + ["NULL"]:
            server.query("INSERT INTO t(id, `%s`) VALUES (%d, %s)" % (name, number, value))
            number += 1
    server.query("INSERT INTO t(id) VALUES (-1)")
    streamed = sorted(bench.finish(process))
    read = sorted(bench.run("t: id INT NOT NULL KEY, " + ", ".join(
        "%s %s" % (name, declared) for name, _, declared, _ in columns),
        options={"scan.startup.mode": "snapshot"}))
    server.close()
    return streamed, read, number + 1


def compare(bench, columns, setup=""):
    streamed, read, count = both_ways(bench, columns, setup)
    cdc.expect_equal(len(streamed), count, "rows from the binlog")
    cdc.expect_equal(len(read), count, "rows of the snapshot")
    for from_binlog, from_select in zip(streamed, read):
        if from_binlog != from_select:
            raise cdc.Failure("binlog and SELECT differ:\n  binlog %s\n  SELECT %s"
                              % (from_binlog[:600], from_select[:600]))
    return streamed


def against_server(bench, columns):
    """Types declared STRING show the server's own text."""
    texts = [column for column in columns if column[2] == "STRING"]
    lines = compare(bench, texts)
    shown = {}
    for line in lines:
        inside = line[3:-1]
        shown[inside.split(",")[0]] = inside
    rows = bench.server.query("SET NAMES utf8mb4; SELECT * FROM d.t", "d")
    for row in rows:
        line = shown[row[0]]
        for value in row[1:]:
            if value is None or "0000-00" in str(value):
                continue
            text = str(value).replace("'", "''")
            # A zero-filled number is a number.
            cdc.expect(text in line or text.lstrip("0") in line,
                       "the server shows %r in\n  %s" % (value, line[:300]))


def test_integers(bench):
    compare(bench, INTEGERS)


def test_numbers(bench):
    compare(bench, NUMBERS)


def test_temporal(bench):
    compare(bench, TEMPORAL)


def test_old_temporal_formats(bench):
    if not bench.is_mariadb:
        return
    bench.server.query("SET GLOBAL mysql56_temporal_format=OFF")
    try:
        compare(bench, [column for column in TEMPORAL if "(" not in column[1]])
    finally:
        bench.server.query("SET GLOBAL mysql56_temporal_format=ON")


def test_texts(bench):
    lines = compare(bench, TEXTS)
    cdc.expect(any("😀 smile" in line for line in lines), "text outside the BMP is there")
    cdc.expect(any("Привет" in line for line in lines), "Cyrillic text is there")


def test_binaries(bench):
    lines = compare(bench, BINARIES)
    cdc.expect(any("x'000a0000'" in line for line in lines), "BINARY(4) is padded: %s" % lines[:9])


def test_texts_against_server(bench):
    against_server(bench, INTEGERS + NUMBERS + TEMPORAL + TEXTS)


def test_geometries(bench):
    """As JSON, the same both ways; the text is that of Flink CDC."""
    compare(bench, GEOMETRIES)
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT PRIMARY KEY, g GEOMETRY)")
    bench.server.query("INSERT INTO d.t VALUES " + ",".join("(%d,%s)" % (i, values[0]) for i, (_, _, _, values)
                                                           in enumerate(GEOMETRIES)))
    lines = bench.run("t: id INT NOT NULL KEY, g STRING", {"scan.startup.mode": "snapshot"})
    shown = [line.split(", ", 1)[1].rstrip("]").strip("'") + "" for line in lines]
    for text, wanted in zip(shown, (
            '{"srid":0,"type":"Point","coordinates":[1,2.5]}',
            '{"srid":4326,"type":"Point","coordinates":[3,4]}',
            '{"srid":0,"type":"LineString","coordinates":[[3,0],[3,3],[3,5]]}',
            '{"srid":0,"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,2],[1,1]],[[0,0],[1,0],[1,1],[0,0]]]}',
            '{"srid":0,"type":"MultiPoint","coordinates":[[1,1],[2,2]]}',
            '{"srid":0,"type":"MultiLineString","coordinates":[[[1,1],[2,2]],[[3,3],[4,4]]]}',
            '{"srid":0,"type":"MultiPolygon","coordinates":'
            '[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[7,5],[7,7],[5,5]]]]}',
            '{"srid":0,"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[10,10]},'
            '{"type":"LineString","coordinates":[[1,1],[2,2]]}]}')):
        cdc.expect_equal(text, wanted, "geometry")


def test_identities_as_keys(bench):
    """UUID and addresses order a snapshot as the server compares them, not as their texts do."""
    if not bench.is_mariadb:
        return
    for kind in ("UUID", "INET4", "INET6"):
        chooser = random.Random(kind)
        bench.fresh_database()
        bench.server.query("CREATE TABLE d.t(k %s PRIMARY KEY, v INT)" % kind)
        for _ in range(30):
            value = a_uuid(chooser) if kind == "UUID" else str(ipaddress.ip_address(
                chooser.randbytes(4 if kind == "INET4" else 16)))
            bench.server.query("INSERT INTO d.t VALUES ('%s', 0)" % value)
        journal = bench.journal()
        table, options = "t: k STRING NOT NULL KEY, v INT", {"scan.incremental.snapshot.chunk.size": "4"}
        bench.run(table, options, extra=["--journal", journal, "--limit", 9])
        bench.server.query("UPDATE d.t SET v=1")
        bench.run(table, options, extra=["--journal", journal, "--idle", 800])
        found = sorted(cdc.fold(cdc.read_journal(journal))[""])
        cdc.expect_equal(found, sorted("%s, 1" % row[0] for row in bench.server.query("SELECT k FROM d.t")), kind)


def test_mariadb_types(bench):
    if bench.is_mariadb:
        compare(bench, MARIADB_ONLY)


def test_compressed_events(bench):
    if not bench.is_mariadb:
        return
    bench.server.query("SET GLOBAL log_bin_compress=ON; SET GLOBAL log_bin_compress_min_len=10")
    try:
        compare(bench, TEXTS)
    finally:
        bench.server.query("SET GLOBAL log_bin_compress=OFF")


def test_full_metadata(bench):
    if not bench.is_mariadb:
        return
    bench.server.query("SET GLOBAL binlog_row_metadata=FULL")
    try:
        compare(bench, INTEGERS + TEXTS + BINARIES)
    finally:
        bench.server.query("SET GLOBAL binlog_row_metadata=NO_LOG")


def test_refused_types(bench):
    """What cannot be converted is refused when the table is opened, with both types and a hint."""
    bench.fresh_database()
    bench.server.query("CREATE TABLE d.t(id INT PRIMARY KEY, a VARCHAR(10), b DECIMAL(60,2),"
                       " c DATETIME(3), e BLOB, f BIGINT UNSIGNED)")
    for column, hint in (("a INT", "Declare it as STRING."),
                         ("b DATE", "Declare it as STRING."),
                         ("c TIMESTAMP_LTZ(3)", "Declare it as TIMESTAMP(3)."),
                         ("e STRING", "Declare it as BYTES."),
                         ("f DATE", "Declare it as DECIMAL(20, 0).")):
        error = bench.fails("t: id INT NOT NULL KEY, " + column)
        cdc.expect("error (type)" in error and hint in error, "refusal of %s: %s" % (column, error))
    error = bench.fails("t: id INT NOT NULL KEY, aa STRING")
    cdc.expect('has no column "aa"' in error and 'Did you mean "a"' in error, error)
    bench.server.query("INSERT INTO d.t(id, f) VALUES (1, 18446744073709551615)")
    error = bench.fails("t: id INT NOT NULL KEY, f BIGINT")
    cdc.expect("18446744073709551615" in error and "error (data)" in error, error)


TESTS = [test_geometries, test_identities_as_keys, test_integers, test_numbers, test_temporal, test_old_temporal_formats, test_texts,
         test_binaries, test_texts_against_server, test_mariadb_types, test_compressed_events,
         test_full_metadata, test_refused_types]
