"""What MySQL 8 writes and the real servers of the tests do not, from a server that is made up."""

import struct

import cdc
import fake

COLUMNS = [("id", "int", "int", "NO", "", "", "10", "0", "", "", ""),
           ("j", "json", "json", "YES", "", "", "", "", "", "", ""),
           ("v", "varchar", "varchar(20)", "YES", "utf8mb4", "utf8mb4_0900_ai_ci", "", "", "", "80",
            "")]
TYPES, METADATA = [3, 245, 15], [4, 80, 0]
TABLE = "t: id INT NOT NULL KEY, j STRING, v STRING; gtid"
OPTIONS = {"scan.startup.mode": "latest-offset", "connect.max-retries": "3"}
# {"a": 1, "b": [true, "x"]} in binary.
JSON = bytes.fromhex("00" "02002500" "12000100" "13000100" "050100" "021400" "6162"
                     "02000c00" "040100" "0c0a00" "0178" "0000000000")
SHOWN = "'{\"a\": 1, \"b\": [true, \"x\"]}'"


def image(number, json, text):
    nulls = (json is None) << 1 | (text is None) << 2
    out = bytes([nulls]) + struct.pack("<i", number)
    if json is not None:
        out += struct.pack("<I", len(json)) + json
    if text is not None:
        out += bytes([len(text)]) + text.encode()
    return out


def insert(number, json=None, text=None):
    return [fake.table_map(TYPES, METADATA), fake.rows(30, 3, image(number, json, text))]


def run(bench, streams, extra, options=None, files=("binlog.000001",)):
    with fake.FakeServer(COLUMNS, streams, files=files) as server:
        given = dict(OPTIONS, port=str(server.port), **(options or {}))
        return bench.run(TABLE, given, extra=extra), server.dumps


def test_packed_transactions(bench):
    streams = [[
        fake.tagged_gtid(300),
        fake.payload([fake.query("BEGIN")] + insert(1, JSON, "packed") + insert(2) + [fake.xid()]),
        fake.tagged_gtid(301),
        fake.payload([fake.query("BEGIN")] + insert(3, JSON, None) + [fake.xid()], False),
        fake.tagged_gtid(302), fake.query("BEGIN")] + insert(-1, None, "end") + [fake.xid()]]
    lines, dumps = run(bench, streams, ["--until", "end"])
    gtid = fake.UUID + ":abc:"
    cdc.expect_equal(lines, ["+I[1, %s, packed, %s300]" % (SHOWN, gtid),
                             "+I[2, NULL, NULL, %s300]" % gtid,
                             "+I[3, %s, NULL, %s301]" % (SHOWN, gtid),
                             "+I[-1, NULL, end, %s302]" % gtid], "changes")
    cdc.expect(dumps[-1][0] == 0x1E, "the binlog is asked for by GTIDs")


def test_compact_json(bench):
    streams = [[fake.tagged_gtid(300), fake.query("BEGIN")] + insert(1, JSON, "end") + [fake.xid()]]
    lines, _ = run(bench, streams, ["--until", "end"], {"use.legacy.json.format": "true"})
    cdc.expect_equal(lines[0].split(", end")[0], "+I[1, '{\"a\":1,\"b\":[true,\"x\"]}'", "JSON without spaces")


def change(kind, path, value=None):
    """One change of a JSON value: replace 0, insert 1, remove 2."""
    out = bytes([kind, len(path)]) + path.encode()
    return out if value is None else out + bytes([len(value)]) + value


def in_part(before, after, bits=1):
    """Both images of an update; the second says which JSON columns it has in part."""
    return before + (b"\1" + bytes([bits]) if bits else b"\0") + after


def updates(*images, present=None):
    events = [fake.table_map(TYPES, METADATA), fake.rows(39, 3, b"".join(images))]
    if present is not None:
        events[1] = fake.rows(39, 3, b"".join(images), present=present)
    return events


def test_json_in_part(bench):
    """binlog_row_value_options=PARTIAL_JSON: what changed is put into the value before."""
    seven, word = b"\x05\x07\x00", b"\x0c\x04word"
    changes = change(0, "$.a", seven) + change(1, "$.b[1]", word) + change(2, "$.b[0]")
    streams = [[fake.tagged_gtid(300), fake.query("BEGIN")] + updates(
        in_part(image(1, JSON, "one"), image(1, changes, "one")),
        in_part(image(2, JSON, "two"), image(2, b"", "TWO")),
        in_part(image(3, JSON, "three"), image(3, None, "three")),
        in_part(image(4, JSON, "four"), image(4, seven, "whole"), bits=0),
        in_part(image(5, None, "five"), image(6, None, "six"))) + [fake.xid()]
        + insert(-1, None, "end")]
    lines, _ = run(bench, streams, ["--until", "end"])
    shown = [line[:line.rindex(", ")] + "]" for line in lines]
    cdc.expect_equal(shown, [
        "-U[1, %s, one]" % SHOWN, "+U[1, '{\"a\": 7, \"b\": [\"word\", \"x\"]}', one]",
        "-U[2, %s, two]" % SHOWN, "+U[2, %s, TWO]" % SHOWN,
        "-U[3, %s, three]" % SHOWN, "+U[3, NULL, three]",
        "-U[4, %s, four]" % SHOWN, "+U[4, 7, whole]",
        "-D[5, NULL, five]", "+I[6, NULL, six]", "+I[-1, NULL, end]"], "changes")


def test_json_in_part_that_stops(bench):
    head = [fake.tagged_gtid(300), fake.query("BEGIN")]
    gone = change(2, "$.gone")
    fails(bench, head + updates(in_part(image(1, JSON, "a"), image(1, gone, "a"))),
          '"d.t"', 'column "j"', "does not fit", "binlog.000001")
    fails(bench, head + updates(in_part(image(1, None, "a"), image(1, gone, "a"))),
          '"d.t"', "no value before it")
    # The before image lacks the JSON column.
    fails(bench, head + updates(in_part(image(1, None, "a"), image(1, gone, "a")), present=b"\5\7"),
          '"d.t"', "lacks columns", "binlog_row_image=FULL")


def test_broken_connection(bench):
    """The server closes in the middle of a transaction and sends it again from its beginning."""
    whole = [fake.tagged_gtid(300), fake.query("BEGIN")] + insert(1) + insert(2) + [fake.xid()]
    streams = [whole[:4] + [None], whole[:5] + [None],
               whole + [fake.tagged_gtid(301), fake.query("BEGIN")] + insert(-1, None, "end")
               + [fake.xid()]]
    lines, _ = run(bench, streams, ["--until", "end"], {"heartbeat.interval": "500 ms"})
    cdc.expect_equal([line.split(",")[0] for line in lines], ["+I[1", "+I[2", "+I[-1"], "changes")


def test_connection_that_never_lasts(bench):
    """A server that closes after every transaction: what came is given all the same."""
    whole = [fake.tagged_gtid(300), fake.query("BEGIN")] + insert(1) + insert(2) + [fake.xid()]
    lines, _ = run(bench, [whole + [None]] * 3, ["--limit", "2"])
    cdc.expect_equal([line.split(",")[0] for line in lines], ["+I[1", "+I[2"], "changes")


def prepared(number, text):
    """How MySQL logs an XA transaction when it is prepared."""
    return ([fake.query("XA START X'6161',X'',1")] + insert(number, None, text)
            + [fake.query("XA END X'6161',X'',1"), fake.xa_prepare(b"aa")])


COMMITTED = [fake.tagged_gtid(300), fake.query("XA COMMIT X'6161',X'',1"), fake.tagged_gtid(301),
             fake.query("BEGIN")] + insert(-1, None, "end") + [fake.xid()]
FILES = ("binlog.000001", "binlog.000002", "binlog.000003")


def test_xa_of_an_earlier_file(bench):
    """The newest transaction of the name counts, packed or not; what the binlog has not is an error."""
    before = [fake.tagged_gtid(200)]
    for newest in (prepared(6, "plain"), [fake.payload(prepared(6, "packed"))],
                   [fake.payload(prepared(6, "stored"), False)]):
        earlier = before + prepared(5, "old") + before + newest + [fake.rotate("binlog.000002")]
        lines, dumps = run(bench, [COMMITTED, [], [fake.rotate("binlog.000003")], earlier],
                           ["--until", "end"], files=FILES)
        cdc.expect_equal([line.split(",")[0] for line in lines], ["+I[6", "+I[-1"], "changes")
        cdc.expect(lines[0].endswith(":abc:300]"), "it is of the transaction that commits it")
        cdc.expect_equal([dump[11:].decode() for dump in dumps[2:]], list(reversed(FILES)), "files")
    fails(bench, COMMITTED, "XA transaction is committed", "no longer has its rows", "snapshot")


def test_xa_of_a_checkpoint(bench):
    """Prepared before a checkpoint and committed behind it, on a server known by GTIDs."""
    journal = bench.journal()
    first = ([fake.tagged_gtid(200)] + prepared(6, "prepared")
             + [fake.tagged_gtid(201), fake.query("BEGIN")] + insert(1) + [fake.xid()])
    extra = ["--journal", journal, "--every", "1"]
    run(bench, [first], extra + ["--limit", "1"])
    later = [fake.tagged_gtid(250), fake.query("BEGIN"), fake.xid()] + COMMITTED
    again = [fake.rotate(FILES[0])] + first
    _, dumps = run(bench, [later, again], extra + ["--until", "end"], files=FILES)
    cdc.expect_equal([line.split(",")[0] for line in cdc.read_journal(journal)],
                     ["+I[1", "+I[6", "+I[-1"], "changes")
    cdc.expect(dumps[-1][0] == 0x1E, "its rows are asked for by GTIDs")
    journal = bench.journal()
    extra = ["--journal", journal, "--every", "1"]
    run(bench, [first], extra + ["--limit", "1"])
    gone = [fake.rotate(FILES[0]), fake.tagged_gtid(199), fake.rotate(FILES[2], 5000)]
    with fake.FakeServer(COLUMNS, [later, gone], files=FILES) as server:
        error = bench.fails(TABLE, dict(OPTIONS, port=str(server.port)), extra=extra)
    cdc.expect("rows are not where they were" in error, error)


def fails(bench, events, *words):
    with fake.FakeServer(COLUMNS, [events]) as server:
        error = bench.fails(TABLE, dict(OPTIONS, port=str(server.port)))
    for word in words:
        cdc.expect(word in error, "no %r in %s" % (word, error))


def test_events_that_stop(bench):
    fails(bench, [fake.event(77, b"future")], "unknown type 77")
    fails(bench, [fake.event(26, b"\1\0\0")], "changes are missing")
    fails(bench, [fake.table_map(TYPES, METADATA), fake.rows(30, 2, image(1, None, None))],
          "columns are not its table's")
    fails(bench, [fake.rows(30, 3, image(1, None, None))], "no TABLE_MAP")
    fails(bench, [fake.table_map(TYPES, METADATA), fake.rows(39, 3, image(1, None, None) + b"\2")],
          "value options")
    fails(bench, [fake.table_map(TYPES, METADATA), fake.rows(30, 3, image(1, JSON, "cut")[:-2])],
          "cut", '"d.t"')
    fails(bench, [fake.event(40, b"\1\1\5\0abcdefg")], "TRANSACTION_PAYLOAD")
    fails(bench, [b"short"], "no whole header")


def test_events_to_pass_over(bench):
    streams = [[fake.event(77, b"ignorable", flags=0x80), fake.event(29, b"\3SQL"),
                fake.event(37, b"view"), fake.tagged_gtid(300), fake.query("BEGIN")]
               + insert(-1, None, "end") + [fake.xid()]]
    lines, _ = run(bench, streams, ["--until", "end"])
    cdc.expect_equal(len(lines), 1, "changes")


TESTS = [test_packed_transactions, test_compact_json, test_json_in_part, test_json_in_part_that_stops,
         test_broken_connection, test_connection_that_never_lasts,
         test_xa_of_an_earlier_file, test_xa_of_a_checkpoint, test_events_that_stop, test_events_to_pass_over]
