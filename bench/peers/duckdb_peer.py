#!/usr/bin/env python3
"""Runs the Nexmark queries on DuckDB, in batch and on one thread, over the files that Weir wrote.

A line of input is "FORMAT QUERY" (csv or parquet, a number); the answer is a line with CPU and wall seconds. Every
column of the result is made and none is kept. Argument: the folder of the files.
"""
import os
import resource
import sys
import time

import duckdb

COLUMNS = {
    "person": "id BIGINT, name VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR, state VARCHAR, "
              "dateTime TIMESTAMP, extra VARCHAR",
    "auction": "id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT, "
               "dateTime TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra VARCHAR",
    "bid": "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, dateTime TIMESTAMP, "
           "extra VARCHAR",
}
IN_TIME = "a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires"
PRICES = ("COUNT(*), COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE price >= 10000 AND "
          "price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000)")


def distinct(column):
    """How many, in total and by price."""
    conditions = ("TRUE", "price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000")
    return ", ".join(f"COUNT(DISTINCT {column}) FILTER (WHERE {condition})" for condition in conditions)


DAY = "strftime(dateTime, '%Y-%m-%d')"
QUERIES = {
    0: "SELECT auction, bidder, price, dateTime, extra FROM bid",
    1: "SELECT auction, bidder, 0.908 * price, dateTime, extra FROM bid",
    2: "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    3: "SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id "
       "WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')",
    4: "SELECT category, AVG(final) FROM (SELECT MAX(b.price) AS final, a.category FROM auction a JOIN bid b "
       f"ON {IN_TIME} GROUP BY a.id, a.category) GROUP BY category",
    9: "SELECT * FROM (SELECT a.*, b.auction, b.bidder, b.price, b.dateTime AS bid_time, b.extra AS bid_extra, "
       "ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime) AS place FROM auction a JOIN bid b "
       f"ON {IN_TIME}) WHERE place <= 1",
    14: "SELECT auction, bidder, 0.908 * price, CASE WHEN hour(dateTime) BETWEEN 8 AND 18 THEN 'dayTime' WHEN "
        "hour(dateTime) <= 6 OR hour(dateTime) >= 20 THEN 'nightTime' ELSE 'otherTime' END, dateTime, extra, "
        "length(extra) - length(replace(extra, 'c', '')) FROM bid "
        "WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000",
    15: f"SELECT {DAY}, {PRICES}, {distinct('bidder')}, {distinct('auction')} FROM bid GROUP BY ALL",
    16: f"SELECT channel, {DAY}, MAX(strftime(dateTime, '%H:%M')), {PRICES}, {distinct('bidder')}, "
        f"{distinct('auction')} FROM bid GROUP BY ALL",
    17: f"SELECT auction, {DAY}, {PRICES}, MIN(price), MAX(price), AVG(price), SUM(price) FROM bid GROUP BY ALL",
    18: "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC) AS place "
        "FROM bid) WHERE place <= 1",
    19: "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid) "
        "WHERE place <= 10",
    20: "SELECT b.*, a.* FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10",
    21: "SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' "
        "WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE regexp_extract(url, '(&|^)channel_id=([^&]*)', 2) END "
        "FROM bid WHERE regexp_extract(url, '(&|^)channel_id=([^&]*)', 2) <> '' OR "
        "lower(channel) IN ('apple', 'google', 'facebook', 'baidu')",
    22: "SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), "
        "split_part(url, '/', 6) FROM bid",
}


def open_database(folder):
    """A view per table and format; the parquet files are made from the others here."""
    database = duckdb.connect(config={"threads": 1})
    for table, columns in COLUMNS.items():
        pairs = (column.split(" ") for column in columns.split(", "))
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in pairs)
        database.execute(f"CREATE VIEW csv_{table} AS SELECT * FROM read_csv('{folder}/{table}.csv/*', "
                         f"header = false, delim = ',', quote = '\"', escape = '\"', columns = {{{types}}})")
        parquet = os.path.join(folder, table + ".parquet")
        database.execute(f"COPY csv_{table} TO '{parquet}' (FORMAT parquet)")
        database.execute(f"CREATE VIEW parquet_{table} AS SELECT * FROM read_parquet('{parquet}')")
    return database


def run(database, form, query):
    for table in COLUMNS:
        database.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT * FROM {form}_{table}")
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    database.execute("EXPLAIN ANALYZE " + QUERIES[query]).fetchall()
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{cpu:.6f} {wall:.6f}", flush=True)


def main():
    database = open_database(sys.argv[1])
    print(f"duckdb {duckdb.__version__}", flush=True)
    for line in sys.stdin:
        form, query = line.split()
        run(database, form, int(query))
    return 0


if __name__ == "__main__":
    sys.exit(main())
