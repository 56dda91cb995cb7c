"""The seam between snapshot and binlog: writers never pause, the reader is killed again and again, and
every row must be there exactly once with its last value."""

import random
import threading
import time

import cdc

ROWS = 24000
WRITERS = 3
KILLS = 8
NUMBERS = "numbers: id INT NOT NULL KEY, v BIGINT, s STRING"
NAMES = "names: k STRING NOT NULL KEY, n INT NOT NULL KEY, v BIGINT"
WIDE = "wide: a DECIMAL(10,2) NOT NULL KEY, b TIMESTAMP(3) NOT NULL KEY, v BIGINT"


def make_tables(bench):
    bench.fresh_database()
    server = bench.server.connect(database="d")
    server.query("CREATE TABLE numbers(id INT PRIMARY KEY, v BIGINT, s VARCHAR(40)) ENGINE=InnoDB")
    server.query("CREATE TABLE names(k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci,"
                 " n INT, v BIGINT, PRIMARY KEY(k, n)) ENGINE=InnoDB")
    server.query("CREATE TABLE wide(a DECIMAL(10,2), b DATETIME(3), v BIGINT, PRIMARY KEY(a, b))"
                 " ENGINE=InnoDB")
    chooser = random.Random(7)
    for start in range(0, ROWS, 2000):
        numbers = range(start * 2, (start + 2000) * 2, 2)
        server.query("INSERT INTO numbers VALUES " + ",".join(
            "(%d,%d,'row %d')" % (i, i, i) for i in numbers))
        server.query("INSERT INTO wide VALUES " + ",".join(
            "(%d.%02d,'2020-01-01 00:00:00.%03d',0)" % (i - ROWS, i % 100, i % 1000)
            for i in numbers))
        server.query("INSERT IGNORE INTO names VALUES " + ",".join(
            "('%s',%d,0)" % (name(chooser), chooser.randrange(1000)) for _ in range(2000)))
    server.close()


def name(chooser):
    # Letters that sort and compare otherwise than their bytes do.
    return "".join(chooser.choice(["a", "A", "b", "B", "ä", "ae", "ß", "ss", "Z", "z", " x", "-"])
                   for _ in range(chooser.randrange(1, 6))).replace("'", "")[:20]


class Writer(threading.Thread):
    """Random changes of all tables until told to stop."""

    def __init__(self, bench, seed):
        super().__init__(daemon=True)
        self.connection = bench.server.connect(database="d")
        self.chooser = random.Random(seed)
        self.stopping = False
        self.done = 0
        self.problem = None

    def statement(self):
        pick = self.chooser.randrange
        i, j = pick(ROWS * 2), pick(ROWS * 2)
        kind = pick(9)
        text = name(self.chooser)
        if kind == 0:
            return "INSERT IGNORE INTO numbers VALUES (%d,%d,'new')" % (i, j)
        if kind == 1:
            return "UPDATE numbers SET v=v+1, s='%s' WHERE id=%d" % (text, i)
        if kind == 2:
            return "UPDATE IGNORE numbers SET id=%d WHERE id=%d" % (j, i)
        if kind == 3:
            return "DELETE FROM numbers WHERE id=%d" % i
        if kind == 4:
            return "INSERT IGNORE INTO names VALUES ('%s',%d,%d)" % (text, pick(1000), j)
        if kind == 5:
            return "UPDATE names SET v=v+1 WHERE k='%s'" % text
        if kind == 6:
            return "UPDATE IGNORE names SET k='%s' WHERE k='%s' LIMIT 3" % (
                name(self.chooser), text)
        if kind == 7:
            return "UPDATE IGNORE wide SET a=%d, v=v+1 WHERE a BETWEEN %d AND %d" % (
                i - ROWS, j - ROWS, j - ROWS + 2)
        return "DELETE FROM names WHERE k='%s' LIMIT 2" % text

    def run(self):
        try:
            while not self.stopping:
                many = self.chooser.randrange(1, 5)
                end = "ROLLBACK" if self.chooser.randrange(10) == 0 else "COMMIT"
                try:
                    self.connection.query("BEGIN")
                    for _ in range(many):
                        self.connection.query(self.statement())
                    self.connection.query(end)
                except cdc.servers.client.SqlError as error:
                    if error.number not in (1213, 1205):
                        raise
                    self.connection.query("ROLLBACK")
                self.done += 1
        except Exception as problem:  # reported by the test that waits for the thread
            self.problem = problem
        self.connection.close()


def expected(bench):
    rows = {}
    # A connection in UTF-8: character set and case of the keys as they are stored.
    rows["numbers"] = ["%s, %s, %s" % row for row in bench.server.query(
        "SET NAMES utf8mb4; SELECT id, v, s FROM numbers", "d")]
    rows["names"] = ["%s, %s, %s" % row for row in bench.server.query(
        "SET NAMES utf8mb4; SELECT k, n, v FROM names", "d")]
    rows["wide"] = ["%s, %s, %s" % row for row in bench.server.query(
        "SET NAMES utf8mb4; SELECT a, b, v FROM wide", "d")]
    return rows


def unquote(row):
    """A text value that was quoted in a change, as it is."""
    parts, at = [], 0
    while at <= len(row):
        if at < len(row) and row[at] == "'":
            end = at + 1
            while row[end] != "'" or row[end:end + 2] == "''":
                end += 2 if row[end:end + 2] == "''" else 1
            parts.append(row[at + 1:end].replace("''", "'"))
            at = end + 3
        else:
            end = row.find(", ", at)
            end = len(row) if end < 0 else end
            parts.append(row[at:end])
            at = end + 2
    return ", ".join(parts)


def compare(bench, journal):
    found = cdc.fold(cdc.read_journal(journal))
    wanted = expected(bench)
    for table, rows in wanted.items():
        have = sorted(unquote(row) for row in found[table])
        need = sorted(rows)
        if have != need:
            extra = sorted(set(have) - set(need))[:5]
            missing = sorted(set(need) - set(have))[:5]
            raise cdc.Failure("table %s differs: %d rows found, %d wanted; extra %r, missing %r"
                              % (table, len(have), len(need), extra, missing))


def test_seam_with_kills(bench):
    make_tables(bench)
    seed = int(time.time())
    print("    seed %d" % seed, flush=True)
    chooser = random.Random(seed)
    journal = bench.journal()
    writers = [Writer(bench, seed + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    tables = [NUMBERS, NAMES, WIDE]
    extra = ["--journal", journal]
    sizes = []
    try:
        for _ in range(KILLS):
            process = bench.start(tables, extra=extra)
            time.sleep(chooser.uniform(0.2, 1.2))
            cdc.expect(process.poll() is None, "the probe ended early:\n%s"
                       % "".join(process.communicate()) if process.poll() is not None else "")
            cdc.kill(process)
            sizes.append(len(cdc.read_journal(journal)))
    finally:
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.join()
    for writer in writers:
        cdc.expect(writer.problem is None, "a writer failed: %r" % writer.problem)
    print("    %d transactions, changes durable at each kill: %r"
          % (sum(writer.done for writer in writers), sizes), flush=True)
    bench.server.query("INSERT INTO d.numbers VALUES (-1, 0, 'the end')")
    bench.run(tables, extra=extra + ["--until", "the end"])
    compare(bench, journal)


def test_seam_without_kills(bench):
    make_tables(bench)
    journal = bench.journal()
    writers = [Writer(bench, 1000 + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    process = bench.start([NUMBERS, NAMES, WIDE],
                          extra=["--journal", journal, "--every", 7, "--until", "the end"])
    time.sleep(2)
    for writer in writers:
        writer.stopping = True
    for writer in writers:
        writer.join()
        cdc.expect(writer.problem is None, "a writer failed: %r" % writer.problem)
    bench.server.query("INSERT INTO d.numbers VALUES (-1, 0, 'the end')")
    bench.finish(process)
    compare(bench, journal)


def test_seam_in_parts(bench):
    """The snapshot stopped in the middle of each table: parts at several positions, one after the
    other, and changes of keys before and behind the last one read."""
    make_tables(bench)
    journal = bench.journal()
    writers = [Writer(bench, 2000 + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    tables = [NUMBERS, NAMES, WIDE]
    for _ in range(7):
        bench.run(tables, extra=["--journal", journal, "--limit", 9000])
    for writer in writers:
        writer.stopping = True
    for writer in writers:
        writer.join()
        cdc.expect(writer.problem is None, "a writer failed: %r" % writer.problem)
    read = len(cdc.read_journal(journal))
    cdc.expect(read < ROWS * 3, "the snapshot was over before its last part: %d rows" % read)
    bench.server.query("INSERT INTO d.numbers VALUES (-1, 0, 'the end')")
    bench.run(tables, extra=["--journal", journal, "--until", "the end"])
    compare(bench, journal)


def stop_all(writers):
    for writer in writers:
        writer.stopping = True
    for writer in writers:
        writer.join()
        cdc.expect(writer.problem is None, "a writer failed: %r" % writer.problem)


def test_seam_in_chunks(bench):
    """A part of the snapshot for every so many rows, and kills between them."""
    make_tables(bench)
    journal = bench.journal()
    writers = [Writer(bench, 3000 + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    tables = [NUMBERS, NAMES, WIDE]
    options = {"scan.incremental.snapshot.chunk.size": "1500"}
    try:
        for limit in (4000, 9000, 20000):
            bench.run(tables, options, extra=["--journal", journal, "--limit", limit])
    finally:
        stop_all(writers)
    bench.server.query("INSERT INTO d.numbers VALUES (-1, 0, 'the end')")
    bench.run(tables, options, extra=["--journal", journal, "--until", "the end"])
    compare(bench, journal)


class BagWriter(Writer):
    """Changes of a table without any key, and of one whose rows move along the column it is read by."""

    def statement(self):
        pick = self.chooser.randrange
        i, j = pick(300), pick(300)
        return ["INSERT INTO bag VALUES (%d, %d)" % (i, j),
                "UPDATE bag SET g=%d WHERE g=%d LIMIT 5" % (i, j),
                "UPDATE bag SET v=v+1 WHERE g=%d LIMIT 3" % i,
                "DELETE FROM bag WHERE g=%d LIMIT 4" % i,
                "UPDATE moving SET at=DATE_ADD('2020-01-01', INTERVAL %d DAY) WHERE id=%d" % (i, pick(12000)),
                "UPDATE moving SET id=id+20000 WHERE id=%d" % pick(12000),
                "DELETE FROM moving WHERE id=%d" % pick(12000)][pick(7)]


def test_seam_by_column(bench):
    """Tables read by a column whose values repeat and change."""
    bench.fresh_database()
    server = bench.server.connect(database="d")
    server.query("CREATE TABLE bag(g INT NOT NULL, v INT, KEY(g)) ENGINE=InnoDB")
    server.query("CREATE TABLE moving(id INT PRIMARY KEY, at DATE NOT NULL, KEY(at)) ENGINE=InnoDB")
    for start in range(0, 12000, 2000):
        server.query("INSERT INTO bag VALUES " + ",".join(
            "(%d,%d)" % (7 if i % 3 == 0 else i % 300, i % 5) for i in range(start, start + 2000)))
        server.query("INSERT INTO moving VALUES " + ",".join(
            "(%d, DATE_ADD('2020-01-01', INTERVAL %d DAY))" % (i, i % 300)
            for i in range(start, start + 2000)))
    server.close()
    writers = [BagWriter(bench, 4000 + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    key = "scan.incremental.snapshot.chunk.key-column"
    runs = [("bag: g INT NOT NULL, v INT", {key: "g", "scan.incremental.snapshot.chunk.size": "500"}, "[-1,"),
            ("moving: id INT NOT NULL KEY, at DATE NOT NULL", {key: "at"}, "[-1,")]
    journals = [bench.journal() for _ in runs]
    try:
        for (table, options, _), journal in zip(runs, journals):
            for limit in (1, 1500, 4000):
                bench.run(table, options, extra=["--journal", journal, "--limit", limit])
    finally:
        stop_all(writers)
    bench.server.query("INSERT INTO d.bag VALUES (-1, 0); INSERT INTO d.moving VALUES (-1, '2020-01-01')")
    for (table, options, until), journal in zip(runs, journals):
        bench.run(table, options, extra=["--journal", journal, "--until", until])
    for name, journal in zip(("bag", "moving"), journals):
        found = sorted(cdc.fold(cdc.read_journal(journal), strict=name != "bag")[""].elements())
        wanted = sorted("%s, %s" % row for row in bench.server.query("SELECT * FROM d." + name))
        cdc.expect(found == wanted, "table %s differs: %d rows found, %d wanted" % (
            name, len(found), len(wanted)))


TESTS = [test_seam_in_parts, test_seam_in_chunks, test_seam_by_column, test_seam_without_kills, test_seam_with_kills]
