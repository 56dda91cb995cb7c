#!/usr/bin/env python3
"""Runs the Nexmark queries of bench/nexmark over a small fixed set of events and compares what their changes
add up to with SQLite's answer over the same events.

Every query runs plainly, with batches of one row and at parallelism 2. Prints "N passed, N failed".
"""
import argparse
import collections
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUERIES = os.path.join(ROOT, "bench", "nexmark")
EVENTS = 20000
RATE = 1000

WAYS = {
    "plain": [],
    "batches of one row": ["-D", "execution.batch-rows=1"],
    "parallelism 2": ["-D", "parallelism.default=2"],
}

IN_TIME = "b.auction = a.id AND b.ms BETWEEN a.ms AND a.expires_ms"
HOP_COUNTS = """
    SELECT b.auction AS auction, COUNT(*) AS num, w.start AS start
    FROM bid AS b JOIN hop AS w ON b.ms >= w.start AND b.ms < w.start + 10000
    GROUP BY b.auction, w.start"""


def counts(group):
    """The twelve counts of q15 and q16."""
    ranks = ["1", "price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000"]
    columns = [f"COUNT(CASE WHEN {rank} THEN 1 END)" for rank in ranks]
    for key in ("bidder", "auction"):
        columns += [f"COUNT(DISTINCT CASE WHEN {rank} THEN {key} END)" for rank in ranks]
    return f"{', '.join(columns)} FROM bid GROUP BY {group}"


def decimal3(expression):
    """A price times 0.908 as DECIMAL prints it."""
    return f"printf('%d.%03d', ({expression}) / 1000, ({expression}) % 1000)"


# What SQLite answers, column by column as the sink has them. Times are kept as text, and in
# milliseconds since 1970 in the columns called ms.
ANSWERS = {
    0: "SELECT auction, bidder, price, dateTime, extra FROM bid",
    1: f"SELECT auction, bidder, {decimal3('price * 908')}, dateTime, extra FROM bid",
    2: "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    3: "SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id "
       "WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')",
    4: f"SELECT category, SUM(final) / COUNT(*) FROM (SELECT MAX(b.price) AS final, a.category "
       f"FROM auction a JOIN bid b ON {IN_TIME} GROUP BY a.id) GROUP BY category",
    5: f"SELECT c.auction, c.num FROM ({HOP_COUNTS}) c JOIN (SELECT MAX(num) AS most, start FROM "
       f"({HOP_COUNTS}) GROUP BY start) t ON c.start = t.start AND c.num >= t.most",
    6: f"SELECT seller, SUM(price) OVER w / COUNT(*) OVER w FROM (SELECT a.seller, b.price, b.ms, "
       f"ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC) AS place "
       f"FROM auction a JOIN bid b ON {IN_TIME}) WHERE place = 1 "
       "WINDOW w AS (PARTITION BY seller ORDER BY ms ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)",
    7: "SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra FROM bid b JOIN (SELECT "
       "MAX(price) AS highest, ms / 10000 * 10000 + 10000 AS until FROM bid GROUP BY ms / 10000) t "
       "ON b.price = t.highest AND b.ms BETWEEN t.until - 10000 AND t.until",
    8: "SELECT p.id, p.name, as_time(p.ms / 10000 * 10000) FROM person p JOIN (SELECT DISTINCT "
       "seller, ms / 10000 AS part FROM auction) a ON p.id = a.seller AND p.ms / 10000 = a.part",
    9: "SELECT id, itemName, description, initialBid, reserve, dateTime, expires, seller, category,"
       " extra, auction, bidder, price, bid_time, bid_extra FROM (SELECT a.*, b.auction, b.bidder, "
       "b.price, b.dateTime AS bid_time, b.extra AS bid_extra, ROW_NUMBER() OVER (PARTITION BY a.id"
       f" ORDER BY b.price DESC, b.ms) AS place FROM auction a JOIN bid b ON {IN_TIME}) "
       "WHERE place = 1",
    10: "SELECT auction, bidder, price, dateTime, extra, substr(dateTime, 1, 10), "
        "substr(dateTime, 12, 5) FROM bid",
    11: "SELECT bidder, COUNT(*), as_time(MIN(ms)), as_time(MAX(ms) + 10000) FROM (SELECT *, "
        "SUM(opens) OVER (PARTITION BY bidder ORDER BY ms) AS session FROM (SELECT bidder, ms, "
        "ms - LAG(ms, 1, -99999) OVER (PARTITION BY bidder ORDER BY ms) > 10000 AS opens FROM bid))"
        " GROUP BY bidder, session",
    13: "SELECT auction, bidder, price, dateTime, CAST(auction % 10000 AS TEXT) FROM bid",
    14: f"SELECT auction, bidder, {decimal3('price * 908')}, 'nightTime', dateTime, extra, "
        "LENGTH(extra) - LENGTH(REPLACE(extra, 'c', '')) FROM bid "
        "WHERE price * 908 > 1000000000 AND price * 908 < 50000000000",
    15: f"SELECT substr(dateTime, 1, 10), {counts('substr(dateTime, 1, 10)')}",
    16: "SELECT channel, substr(dateTime, 1, 10), MAX(substr(dateTime, 12, 5)), "
        f"{counts('channel, substr(dateTime, 1, 10)')}",
    17: "SELECT auction, substr(dateTime, 1, 10), COUNT(*), COUNT(CASE WHEN price < 10000 THEN 1 "
        "END), COUNT(CASE WHEN price >= 10000 AND price < 1000000 THEN 1 END), COUNT(CASE WHEN "
        "price >= 1000000 THEN 1 END), MIN(price), MAX(price), SUM(price) / COUNT(*), SUM(price) "
        "FROM bid GROUP BY auction, substr(dateTime, 1, 10)",
    18: "SELECT auction, bidder, price, channel, url, dateTime, extra FROM (SELECT *, ROW_NUMBER() "
        "OVER (PARTITION BY bidder, auction ORDER BY ms DESC) AS place FROM bid) WHERE place = 1",
    19: "SELECT auction, bidder, price, channel, url, dateTime, extra, place FROM (SELECT *, "
        "ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, ms) AS place FROM bid) "
        "WHERE place <= 10",
    20: "SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra, a.itemName, "
        "a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, "
        "a.extra FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10",
    21: "SELECT * FROM (SELECT auction, bidder, price, channel, CASE LOWER(channel) WHEN 'apple' "
        "THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE "
        "part_of(url, 'channel_id=', '&') END AS id FROM bid) WHERE id IS NOT NULL",
    22: "SELECT auction, bidder, price, channel, part(url, 3), part(url, 4), part(url, 5) FROM bid",
    23: "SELECT b.bidder, b.price, b.channel, b.url, b.extra, p.id, p.name, p.emailAddress, "
        "p.creditCard, p.city, p.state, p.extra, a.itemName, a.description, a.initialBid, "
        "a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra FROM bid b JOIN person p "
        "ON b.bidder = p.id JOIN auction a ON a.seller = p.id",
}
# Rows with equal prices are numbered as they arrive, which several sources leave to chance.
IN_ORDER_OF_ARRIVAL = {19}
# q23 joins bids to persons who appear 50,000 events later: it has no rows before.
MORE_EVENTS = {23: 60000}


def as_time(ms):
    import datetime
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"


def milliseconds(text):
    import datetime
    moment = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
    return round((moment - datetime.datetime(1970, 1, 1)).total_seconds() * 1000)


def part_of(text, after, until):
    at = text.find(after)
    return None if at < 0 else text[at + len(after):].split(until)[0]


class Missing(Exception):
    """The engine lacks what a query needs."""


class Nexmark:
    def __init__(self, weir, folder):
        self.weir = weir
        self.folder = folder
        self.databases = {}

    def tables(self, events):
        """The source as bench/nexmark has it, with other options."""
        with open(os.path.join(QUERIES, "tables.sql"), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"-event.rate' = '\d+'", f"-event.rate' = '{RATE}'", text)
        return re.sub(r"'events.num' = '\d+'", f"'events.num' = '{events}'", text)

    def run(self, sql, arguments=()):
        done = subprocess.run([self.weir, "-q", *arguments, "-f", "-"], input=sql,
                              capture_output=True, text=True, cwd=self.folder, check=False,
                              timeout=300)
        return done.returncode, done.stdout, done.stderr

    def database(self, events):
        """The events as SQLite tables, in the order they came."""
        if events in self.databases:
            return self.databases[events]
        path = os.path.join(self.folder, f"events{events}.db")
        columns = {
            "person": "id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING,"
                      "state STRING, dateTime TIMESTAMP(3), extra STRING",
            "auction": "id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve "
                       "BIGINT, dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, "
                       "category BIGINT, extra STRING",
            "bid": "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, "
                   "dateTime TIMESTAMP(3), extra STRING"}
        sql = self.tables(events)
        for name, list_of in columns.items():
            sql += (f"CREATE TABLE {name}_copy ({list_of}) WITH ('connector' = 'sqlite', "
                    f"'path' = '{path}', 'table-name' = '{name}');\n")
        sql += "EXECUTE STATEMENT SET BEGIN\n" + "".join(
            f"INSERT INTO {name}_copy SELECT * FROM {name};\n" for name in columns) + "END;\n"
        status, _, errors = self.run(sql)
        if status != 0:
            raise RuntimeError(f"the events cannot be made:\n{errors}")
        database = sqlite3.connect(path)
        database.create_function("as_time", 1, as_time)
        database.create_function("ms_of", 1, milliseconds)
        database.create_function("part_of", 3, part_of)
        database.create_function("part", 2, lambda text, at: text.split("/")[at])
        for name in columns:
            database.execute(f"ALTER TABLE {name} ADD COLUMN ms INTEGER")
            database.execute(f"UPDATE {name} SET ms = ms_of(dateTime)")
        database.execute("ALTER TABLE auction ADD COLUMN expires_ms INTEGER")
        database.execute("UPDATE auction SET expires_ms = ms_of(expires)")
        database.execute("CREATE INDEX bids ON bid (auction)")
        database.execute("CREATE TABLE hop (start INTEGER)")
        low, high = database.execute("SELECT MIN(ms), MAX(ms) FROM bid").fetchone()
        database.executemany("INSERT INTO hop VALUES (?)", [
            (start,) for start in range((low - 10000) // 2000 * 2000 + 2000, high + 1, 2000)])
        self.databases[events] = database
        return database

    def changes(self, query, events, arguments):
        """What a query prints when its sink does."""
        with open(os.path.join(QUERIES, f"q{query}.sql"), encoding="utf-8") as file:
            sql = file.read()
        sql = sql.replace("'connector' = 'blackhole'", "'connector' = 'print'")
        sql = re.sub(r"\) PARTITIONED BY.*?WITH \(.*?\);", ") WITH ('connector' = 'print');", sql,
                     flags=re.DOTALL)
        status, output, errors = self.run(self.tables(events) + sql, arguments)
        if "not supported yet" in errors:
            raise Missing(errors.splitlines()[0])
        if status != 0:
            raise RuntimeError(errors)
        return output


def fold(changes):
    """Rows that are left, with how often."""
    rows = collections.Counter()
    for line in changes.splitlines():
        line = re.sub(r"^\d+> ", "", line)
        # Text that could be mistaken is quoted; no event contains a quote itself.
        kind, row = line[:2], line[3:-1].replace("'", "")
        if kind in ("+I", "+U"):
            rows[row] += 1
        elif kind in ("-U", "-D"):
            rows[row] -= 1
        else:
            raise RuntimeError(f"no change: {line}")
    if any(count < 0 for count in rows.values()):
        raise RuntimeError("a row was taken back that was not there")
    return +rows


def answer(database, query):
    return collections.Counter(
        ", ".join("NULL" if value is None else str(value) for value in row)
        for row in database.execute(ANSWERS[query]))


def check(nexmark, query, arguments):
    """What is wrong, or None."""
    events = MORE_EVENTS.get(query, EVENTS)
    try:
        found = fold(nexmark.changes(query, events, arguments))
    except RuntimeError as error:
        return str(error)
    expected = answer(nexmark.database(events), query)
    if not expected:
        return "SQLite has no rows"
    if found == expected:
        return None
    lines = [f"{sum(found.values())} rows, SQLite has {sum(expected.values())}"]
    lines += [f"+ {row}" for row in list(found - expected)[:5]]
    lines += [f"- {row}" for row in list(expected - found)[:5]]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    parser.add_argument("queries", nargs="*", type=int, help="numbers; default: all")
    options = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="weir-nexmark-") as folder:
        with open(os.path.join(folder, "side_input.csv"), "w", encoding="utf-8") as file:
            file.writelines(f"{i},{i}\n" for i in range(10000))
        weir = os.path.abspath(options.weir)
        build = os.path.dirname(os.path.dirname(weir))
        os.symlink(os.path.join(build, "examples", "functions", "count_char.so"),
                   os.path.join(folder, "count_char.so"))
        nexmark = Nexmark(weir, folder)
        for query in options.queries or sorted(ANSWERS):
            for way, arguments in WAYS.items():
                if query in IN_ORDER_OF_ARRIVAL and way == "parallelism 2":
                    continue
                try:
                    wrong = check(nexmark, query, arguments)
                except Missing as missing:
                    print(f"q{query} is missing: {missing}", flush=True)
                    break
                passed += wrong is None
                failed += wrong is not None
                if wrong is not None:
                    print(f"q{query}, {way}:\n{wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
