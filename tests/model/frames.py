"""Draws OVER along numbers, dates and times of every type: RANGE with distances and intervals, infinite
values and NaN in the order and in sums, sums of floats, numbers of rows, LAG and LEAD far and with
defaults, IGNORE NULLS; over rows that only come, and that change."""

import math
import random as random_module

from course import Case, Step, Table
from typed import Answers

DAY = 86400_000_000_000

# By type of the order column: values in order as (text, number), and frames' distances likewise.
ORDERS = {
    "INT": ([("-3", -3), ("0", 0), ("1", 1), ("2", 2), ("5", 5), ("2147483647", 2147483647)],
            [("0", 0), ("1", 1), ("4", 4)]),
    "BIGINT": ([("-9223372036854775808", -2**63), ("0", 0), ("2", 2), ("3", 3),
                ("9223372036854775807", 2**63 - 1)], [("0", 0), ("1", 1), ("3", 3)]),
    "TINYINT": ([("-128", -128), ("0", 0), ("1", 1), ("3", 3), ("127", 127)], [("1", 1), ("3", 3)]),
    "DECIMAL(10, 2)": ([("-99999999.99", -99999999.99), ("0.50", 0.5), ("1.00", 1), ("1.25", 1.25),
                        ("99999999.99", 99999999.99)], [("0.5", 0.5), ("0.25", 0.25), ("1", 1)]),
    "DOUBLE": ([("-Infinity", -math.inf), ("-1.5", -1.5), ("0.0", 0), ("0.25", 0.25), ("1.0", 1), ("3.0", 3),
                ("Infinity", math.inf), ("NaN", math.nan)], [("0", 0), ("0.25", 0.25), ("1.5", 1.5)]),
    "FLOAT": ([("-Infinity", -math.inf), ("-1.5", -1.5), ("0.0", 0), ("0.25", 0.25), ("1.0", 1),
               ("Infinity", math.inf), ("NaN", math.nan)], [("0", 0), ("0.25", 0.25), ("1.5", 1.5)]),
    "DATE": ([("0001-01-01", -719162 * DAY), ("1969-12-31", -DAY), ("1970-01-01", 0), ("1970-01-03", 2 * DAY),
              ("9999-12-31", 2932896 * DAY)],
             [("INTERVAL '1' DAY", DAY), ("INTERVAL '2' DAY", 2 * DAY), ("INTERVAL '0' DAY", 0)]),
    "TIMESTAMP(3)": ([("1969-12-31 23:59:59.999", -1_000_000), ("1970-01-01 00:00:00.000", 0),
                      ("1970-01-01 00:00:01.000", 10**9), ("1970-01-01 01:00:00.000", 3600 * 10**9),
                      ("9999-12-31 23:59:59.999", 2932897 * DAY - 10**6)],
                     [("INTERVAL '0.001' SECOND", 10**6), ("INTERVAL '1' SECOND", 10**9),
                      ("INTERVAL '1' HOUR", 3600 * 10**9), ("INTERVAL '0' SECOND", 0)]),
    "TIMESTAMP(9)": ([("0001-01-01 00:00:00.000000001", -719162 * DAY + 1),
                      ("1969-12-31 23:59:59.999999999", -1), ("1970-01-01 00:00:00.000000000", 0),
                      ("1970-01-01 00:00:00.000000001", 1), ("1970-01-01 00:00:01.000000001", 10**9 + 1),
                      ("9999-12-31 23:59:59.999999999", 2932897 * DAY - 1)],
                     [("INTERVAL '0.001' SECOND", 10**6), ("INTERVAL '1' SECOND", 10**9),
                      ("INTERVAL '2' DAY", 2 * DAY)]),
    "TIMESTAMP_LTZ(6)": ([("1969-12-31 23:59:59.999999", -1000), ("1970-01-01 00:00:00.000000", 0),
                          ("1970-01-01 00:00:01.000001", 10**9 + 1000), ("2024-01-01 00:00:00.000000",
                                                                        19723 * DAY)],
                         [("INTERVAL '0.001' SECOND", 10**6), ("INTERVAL '1' SECOND", 10**9)]),
}

FLOATS = ["-Infinity", "-0.125", "0.0", "0.5", "0.5", "1.25", "3.0", "1024.5", "Infinity", "NaN"]


def number(text):
    return None if text is None else float(text)


def place(value):
    """Orders numbers with NaN behind all."""
    return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)


def moved(value, by):
    return value if isinstance(value, float) and not math.isfinite(value) else value + by


def printed(value):
    """A DOUBLE."""
    if value is None or isinstance(value, str):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(value + 0.0)


def total(values, mean=False):
    there = [value for value in values if value is not None]
    if not there:
        return None
    if math.inf in there and -math.inf in there or any(math.isnan(value) for value in there):
        return "NaN"
    total = sum(there) if any(math.isinf(value) for value in there) else math.fsum(there)
    return printed(total / len(there) if mean else total)


class Drawing:
    def __init__(self, seed):
        random = self.random = random_module.Random(seed)
        self.kind = random.choice(list(ORDERS))
        self.values, self.distances = ORDERS[self.kind]
        self.numbers = dict(self.values)
        mode = random.choice(["changes", "changes", "upserts", "inserts"])
        key = "id" if mode == "upserts" or random.random() < 0.5 else None
        self.table = Table("a", [("id", "INT"), ("k", "INT"), ("o", self.kind), ("d", "DOUBLE"), ("n", "INT")],
                           mode, key)

    # ------------------------------------------------------------------------ frames

    def range_frame(self, down):
        """(sql, rows of a partition and the place of a row → its frame)."""
        random = self.random
        bounds = [("UNBOUNDED PRECEDING", -math.inf)]
        for text, distance in self.distances:
            bounds += [(text + " PRECEDING", -distance), (text + " FOLLOWING", distance)]
        bounds += [("CURRENT ROW", 0), ("UNBOUNDED FOLLOWING", math.inf)]
        while True:
            first, last = random.choice(bounds), random.choice(bounds)
            if first[1] <= last[1] and first[1] != math.inf and last[1] != -math.inf and not (
                    first[1] == last[1] == 0 and "FOLLOWING" in first[0] + last[0]):
                if "FOLLOWING" in first[0] and "FOLLOWING" not in last[0]:
                    continue
                if "CURRENT" in first[0] and "PRECEDING" in last[0]:
                    continue
                break

        def end(value, bound, own, lower):
            """Whether `own` is inside the bound of the row whose value is `value`."""
            if bound in (-math.inf, math.inf):
                return True
            if value is None or own is None:
                if value is None and own is None:
                    return True  # NULL is near to NULL only
                # NULL stands first going up, last going down.
                return (lower != down) if value is None else (lower == down)
            limit = place(moved(value, -bound if down else bound))
            at = place(own)
            return (at <= limit if down else at >= limit) if lower else (
                at >= limit if down else at <= limit)

        def frame(of, n):
            value = self.numbers.get(of[n][2])
            return [row for row in of
                    if end(value, first[1], self.numbers.get(row[2]), True) and
                    end(value, last[1], self.numbers.get(row[2]), False)]

        return "RANGE BETWEEN %s AND %s" % (first[0], last[0]), frame

    def rows_frame(self):
        random = self.random
        start, end = random.choice([(None, 0), (-1, 0), (-2, 2), (0, None), (1, 3), (-4, -2), (None, None),
                                    (None, -1), (-50, 0), (0, 60)])
        text = [("UNBOUNDED %s" % word if bound is None else "CURRENT ROW" if bound == 0 else
                 "%d %s" % (abs(bound), "PRECEDING" if bound < 0 else "FOLLOWING"))
                for bound, word in ((start, "PRECEDING"), (end, "FOLLOWING"))]

        def frame(of, n):
            first = 0 if start is None else max(0, n + start)
            return of[first:max(first, len(of) if end is None else n + end + 1)]

        return "ROWS BETWEEN %s AND %s" % tuple(text), frame

    # ------------------------------------------------------------------------- calls

    def call(self, down, total_order):
        """(sql, rows of a partition in order and a place → the value)."""
        random = self.random
        kind = random.random()
        if kind < 0.3:
            return self.number_call(total_order)
        if kind < 0.45 and total_order:
            return self.neighbour()
        sql, frame = self.rows_frame() if total_order and random.random() < 0.5 else (
            self.range_frame(down) if not total_order else (
                "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", lambda of, n: of[:n + 1]))
        if total_order and sql.startswith("RANGE"):
            sql, frame = self.rows_frame()
        name = random.choice(["SUM(d)", "AVG(d)", "COUNT(*)", "COUNT(d)", "MIN(d)", "MAX(d)", "SUM(n)",
                              "MIN(o)", "MAX(o)", "COUNT(DISTINCT n)"] +
                             (["FIRST_VALUE(n)", "LAST_VALUE(n)", "FIRST_VALUE(d)", "NTH_VALUE(n, 2)"]
                              if total_order else []))
        filtered = name[:3] in ("SUM", "COU", "MIN") and random.random() < 0.2
        call = name + (" FILTER (WHERE n > 1)" if filtered else "")

        def value(of, n):
            rows = frame(of, n)
            if name.startswith("NTH"):
                return rows[1][4] if len(rows) > 1 else None
            if filtered:
                rows = [row for row in rows if row[4] is not None and int(row[4]) > 1]
            at = 3 if "(d)" in name else 2 if "(o)" in name else 4
            there = [row[at] for row in rows if row[at] is not None]
            if name == "COUNT(*)":
                return len(rows)
            if name.startswith("COUNT"):
                return len(set(there)) if "DISTINCT" in name else len(there)
            if not there:
                return None
            if at == 3 and name[:3] in ("SUM", "AVG"):
                return total([float(value) for value in there], name[:3] == "AVG")
            if name == "SUM(n)":
                return sum(map(int, there))
            if name.startswith("FIRST"):
                return there[0]
            if name.startswith("LAST"):
                return there[-1]
            order = (lambda text: place(self.numbers[text])) if at == 2 else (
                lambda text: place(float(text)))
            return (min if name.startswith("MIN") else max)(there, key=order)

        return "%s OVER (w %s)" % (call, sql), value

    def number_call(self, total_order):
        random = self.random
        name = random.choice(["RANK()", "DENSE_RANK()", "CUME_DIST()", "PERCENT_RANK()"] +
                             (["ROW_NUMBER()", "NTILE(%d)" % random.choice([1, 2, 3, 7, 100])]
                              if total_order else []))

        def value(of, n):
            peers = self.peers(of, n, total_order)
            if name == "ROW_NUMBER()":
                return n + 1
            if name.startswith("NTILE"):
                count = int(name[6:-1])
                size, more = divmod(len(of), count)
                return n // (size + 1) + 1 if n < more * (size + 1) else (
                    more + (n - more * (size + 1)) // size + 1)
            if name == "RANK()":
                return peers[0] + 1
            if name == "DENSE_RANK()":
                return len({self.peers(of, m, total_order)[0] for m in range(n + 1)})
            if name == "CUME_DIST()":
                return printed(peers[1] / len(of))
            return printed(peers[0] / (len(of) - 1) if len(of) > 1 else 0.0)

        return name + " OVER w", value

    def peers(self, of, n, total_order):
        if total_order:
            return n, n + 1
        same = [m for m, row in enumerate(of) if row[2] == of[n][2]]
        return same[0], same[-1] + 1

    def neighbour(self):
        random = self.random
        name, far = random.choice(["LAG", "LEAD"]), random.choice([0, 1, 2, 5, 100])
        column, default = random.choice([("n", "-7"), ("d", "1.5"), ("n", None), ("o", None)])
        at = {"o": 2, "d": 3, "n": 4}[column]
        ignores = random.random() < 0.3 and far > 0 and default is None
        arguments = "%s, %d%s" % (column, far, ", " + ("CAST(1.5 AS DOUBLE)" if column == "d" else default)
                                  if default else "")
        sql = "%s(%s)%s OVER w" % (name, arguments, " IGNORE NULLS" if ignores else "")

        def value(of, n):
            if ignores:
                rest = of[:n][::-1] if name == "LAG" else of[n + 1:]
                there = [row[at] for row in rest if row[at] is not None]
                return there[far - 1] if len(there) >= far else None
            m = n - far if name == "LAG" else n + far
            return of[m][at] if 0 <= m < len(of) else default

        return sql, value

    def query(self):
        random = self.random
        down, total_order = random.random() < 0.4, random.random() < 0.5
        partition = random.random() < 0.6
        calls = [self.call(down, total_order) for _ in range(random.randrange(1, 4))]
        ids = random.random() < 0.5

        def compute(rows):
            groups, found = {}, []
            for row in rows:
                groups.setdefault(row[1] if partition else None, []).append(row)
            for of in groups.values():
                of = sorted(of, key=lambda row: int(row[0]), reverse=ids)
                of = sorted(of, key=lambda row: (row[2] is not None, place(self.numbers.get(row[2], 0))),
                            reverse=down)
                found += [row[:1] + tuple(value(of, n) for _, value in calls)
                          for n, row in enumerate(of)]
            return found

        order = "o%s%s" % (" DESC" if down else "", ", id DESC" if ids else ", id") if total_order else (
            "o" + (" DESC" if down else ""))
        window = "w AS (%sORDER BY %s)" % ("PARTITION BY k " if partition else "", order)
        return Answers("SELECT id, %s FROM a WINDOW %s" % (", ".join(sql for sql, _ in calls), window),
                       [self.table], compute)

    # ------------------------------------------------------------------------- steps

    def row(self, n):
        random = self.random

        def some(of):
            return None if random.random() < 0.12 else random.choice(of)

        floats = FLOATS if self.special else FLOATS[1:-2]
        return (str(n), random.choice(["1", "2", None]), some([text for text, _ in self.values]), some(floats),
                some(["0", "1", "2", "4"]))

    def steps(self):
        random, steps, made = self.random, [], 0
        self.special = random.random() < 0.5
        for _ in range(random.randrange(2, 8)):
            operations = []
            for _ in range(random.randrange(1, 12)):
                if self.table.mode == "inserts" or random.random() < 0.55 or not made:
                    made += 1
                    operations.append(("put", self.row(made)))
                else:
                    operations.append((random.choice(["put", "drop"]), self.row(random.randrange(1, made + 1))))
            steps.append(Step("feed", self.table, operations))
        return steps


def draw(seed):
    drawing = Drawing(seed)
    queries = [drawing.query() for _ in range(4)]
    settings = [("execution.check-changes", "true")] if drawing.random.random() < 0.5 else []
    return Case([drawing.table], queries, drawing.steps(), settings)
